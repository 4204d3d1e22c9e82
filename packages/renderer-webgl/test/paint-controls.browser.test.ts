import { afterEach, expect, it, vi } from 'vitest';
import { type Brush, createPaintControls, createTexturePainter, type Stamp, type Uv } from '../src/index.js';
import { solidImage } from './support/meshes.js';

let dispose = () => {};
afterEach(() => dispose());

const white = { data: new Uint8Array(4 * 64 * 64).fill(255), width: 64, height: 64 };

/** A square that is a chart but for its right half. */
function setUp(tool: () => Brush | Stamp | undefined) {
  const canvas = document.createElement('canvas');
  canvas.style.cssText = 'position: absolute; left: 10px; top: 20px; width: 100px; height: 100px';
  document.body.append(canvas);
  canvas.setPointerCapture = () => {};
  const painter = createTexturePainter({ image: white });
  const others = vi.fn();
  canvas.addEventListener('pointerdown', others);
  const pick = (x: number, y: number): Uv | undefined => (x < 0 ? [x / 2 + 0.5, 0.5 - y / 2] : undefined);
  dispose = createPaintControls(canvas, { painter: () => painter, pick, tool }).dispose;
  const pointer = (type: string, x: number, y: number) =>
    canvas.dispatchEvent(new PointerEvent(type, { clientX: 10 + x, clientY: 20 + y, pointerId: 1, bubbles: true }));
  const texel = (u: number, v: number) => painter.image.data[4 * (Math.floor(64 * v) * 64 + Math.floor(64 * u)) + 1];
  return { painter, pointer, texel, others };
}

const key = (name: string, shiftKey = false) =>
  document.dispatchEvent(new KeyboardEvent('keydown', { key: name, ctrlKey: true, shiftKey, cancelable: true }));

it('draws a stroke that other listeners do not hear of, and keys take it back', () => {
  const { pointer, texel, others } = setUp(() => ({ colour: [255, 0, 0], radius: 0.05 }));
  pointer('pointerdown', 20, 30);
  pointer('pointermove', 26, 30);
  pointer('pointerup', 26, 30);
  pointer('pointermove', 30, 70);
  expect(others).not.toHaveBeenCalled();
  expect([texel(0.2, 0.3), texel(0.23, 0.3), texel(0.26, 0.3), texel(0.3, 0.7)]).toEqual([0, 0, 0, 255]);
  key('z');
  expect(texel(0.23, 0.3)).toBe(255);
  key('Z', true);
  expect(texel(0.23, 0.3)).toBe(0);
});

it('leaves presses beside the face, and all of them without a tool, to others', () => {
  let tool: Brush | undefined = { colour: [255, 0, 0], radius: 0.05 };
  const { painter, pointer, others } = setUp(() => tool);
  pointer('pointerdown', 80, 30);
  tool = undefined;
  pointer('pointerdown', 20, 30);
  expect(others).toHaveBeenCalledTimes(2);
  expect(painter.undo()).toBe(false);
});

it('stamps once where it is pressed', () => {
  const { pointer, texel, painter } = setUp(() => ({ picture: solidImage([0, 0, 0]), size: 0.1 }));
  pointer('pointerdown', 20, 30);
  pointer('pointermove', 30, 70);
  expect([texel(0.2, 0.3), texel(0.3, 0.7)]).toEqual([0, 255]);
  expect([painter.undo(), painter.undo()]).toEqual([true, false]);
});
