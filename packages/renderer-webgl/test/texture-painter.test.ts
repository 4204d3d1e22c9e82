import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { createTexturePainter, type Region } from '../src/texture-painter.js';

const SIZE = 64;
const grey = () => ({
  data: new Uint8ClampedArray(4 * SIZE * SIZE).fill(128).map((v, i) => (i % 4 === 3 ? 255 : v)),
  width: SIZE,
  height: SIZE,
});
const red = { colour: [255, 0, 0] as const, radius: 0.1, hardness: 1 };

function create(options: { symmetric?: boolean } = {}) {
  const regions: Region[] = [];
  const painter = createTexturePainter({ image: grey(), onChange: (region) => regions.push(region), ...options });
  const at = (u: number, v: number) => {
    const i = 4 * (Math.floor(v * SIZE) * SIZE + Math.floor(u * SIZE));
    return [...painter.image.data.subarray(i, i + 4)];
  };
  return { painter, regions, at };
}

it('paints a line and says what changed', () => {
  const { painter, regions, at } = create();
  painter.begin([0.3, 0.3], red);
  painter.moveTo([0.36, 0.3]);
  painter.end();
  expect(at(0.33, 0.3)).toEqual([255, 0, 0, 255]);
  expect(at(0.33, 0.45)).toEqual([128, 128, 128, 255]);
  const before = grey().data;
  painter.image.data.forEach((value, i) => {
    if (value === before[i]) return;
    const [x, y] = [(i >> 2) % SIZE, Math.floor((i >> 2) / SIZE)];
    expect(regions.some(([rx, ry, w, h]) => x >= rx && x < rx + w && y >= ry && y < ry + h)).toBe(true);
  });
});

it('does not draw a line across the chart', () => {
  const { painter, at } = create();
  painter.begin([0.2, 0.5], { ...red, radius: 0.03 });
  painter.moveTo([0.8, 0.5]);
  expect(at(0.8, 0.5)).toEqual([255, 0, 0, 255]);
  expect(at(0.5, 0.5)).toEqual([128, 128, 128, 255]);
});

it('mirrors', () => {
  const { painter, at } = create({ symmetric: true });
  painter.begin([0.25, 0.5], red);
  expect(at(0.25, 0.5)).toEqual([255, 0, 0, 255]);
  expect(at(0.75, 0.5)).toEqual([255, 0, 0, 255]);
});

it('does not darken where a translucent stroke crosses itself', () => {
  const { painter, at } = create();
  painter.begin([0.5, 0.5], { ...red, opacity: 0.5 });
  const once = at(0.5, 0.5);
  painter.moveTo([0.53, 0.5]);
  painter.moveTo([0.5, 0.5]);
  expect(at(0.5, 0.5)).toEqual(once);
  expect(once[0]).toBeGreaterThan(185);
  expect(once[0]).toBeLessThan(198);
});

it('erases only the active layer', () => {
  const { painter, at } = create();
  painter.begin([0.5, 0.5], red);
  const upper = painter.addLayer('upper');
  painter.begin([0.5, 0.5], { ...red, colour: [0, 0, 255] });
  expect(at(0.5, 0.5)).toEqual([0, 0, 255, 255]);
  painter.begin([0.5, 0.5], { radius: 0.1, hardness: 1 });
  painter.end();
  expect(at(0.5, 0.5)).toEqual([255, 0, 0, 255]);
  painter.undo();
  expect(at(0.5, 0.5)).toEqual([0, 0, 255, 255]);
  painter.setLayer(upper, { opacity: 0.5 });
  expect(at(0.5, 0.5)).toEqual([128, 0, 128, 255]);
  painter.setLayer(upper, { visible: false });
  expect(at(0.5, 0.5)).toEqual([255, 0, 0, 255]);
  painter.removeLayer(upper);
  expect(painter.activeLayer).toBe(painter.layers[0].id);
});

it('undoes and redoes any strokes and stamps to the byte, seed 3', () => {
  const random = createRandom(3);
  const { painter } = create({ symmetric: true });
  const picture = {
    data: Uint8ClampedArray.from({ length: 4 * 6 * 4 }, (_, i) => (i * 37) % 256),
    width: 6,
    height: 4,
  };
  const states = [painter.image.data.slice()];
  for (let n = 0; n < 12; n++) {
    const place = () => [random.uniform(-0.1, 1.1), random.uniform(-0.1, 1.1)] as const;
    if (n % 4 === 3) painter.stamp(picture, [random.uniform(), random.uniform()], 0.3, random.uniform(0, 6));
    else {
      const colour =
        n % 4 === 2 ? undefined : ([random.uniform(0, 255), random.uniform(0, 255), random.uniform(0, 255)] as const);
      painter.begin([random.uniform(), random.uniform()], {
        colour,
        radius: random.uniform(0.02, 0.2),
        opacity: random.uniform(0.3, 1),
      });
      for (let i = 0; i < 5; i++) painter.moveTo(place());
      painter.end();
    }
    states.push(painter.image.data.slice());
  }
  for (let n = states.length - 2; n >= 0; n--) {
    expect(painter.undo()).toBe(true);
    expect(painter.image.data).toEqual(states[n]);
  }
  expect(painter.undo()).toBe(false);
  for (let n = 1; n < states.length; n++) {
    expect(painter.redo()).toBe(true);
    expect(painter.image.data).toEqual(states[n]);
  }
  expect(painter.redo()).toBe(false);
});

it('refuses brushes, layers and images that make no sense', () => {
  const { painter } = create();
  const range = expect.objectContaining({ code: 'RANGE' });
  expect(() => painter.begin([0.5, 0.5], { radius: 0 })).toThrow(range);
  expect(() => painter.begin([0.5, 0.5], { radius: 0.1, opacity: 2 })).toThrow(range);
  expect(() => painter.removeLayer(99)).toThrow(range);
  expect(() => painter.removeLayer(painter.layers[0].id)).toThrow(range);
  expect(() => createTexturePainter({ image: { data: new Uint8Array(5), width: 2, height: 2 } })).toThrow(
    expect.objectContaining({ code: 'SHAPE' }),
  );
});
