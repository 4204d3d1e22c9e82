import { afterEach, expect, it, vi } from 'vitest';
import { createOrbitControls, type OrbitControls } from '../src/index.js';

let controls: OrbitControls;
afterEach(() => controls.dispose());

function setUp(onChange?: () => void) {
  const canvas = document.createElement('canvas');
  canvas.style.cssText = 'width: 200px; height: 100px';
  document.body.append(canvas);
  // Only real pointers can be captured.
  canvas.setPointerCapture = () => {};
  controls = createOrbitControls(canvas, { distance: 2, onChange });
  const pointer = (type: string, x: number, y: number, buttons = 1, pointerId = 1) =>
    canvas.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: y, buttons, pointerId }));
  return { canvas, pointer };
}

/** The camera's place in the world, as -R' t. */
function place(): number[] {
  const m = controls.cameraFromWorld();
  return [0, 4, 8].map((i) => -(m[i] * m[12] + m[i + 1] * m[13] + m[i + 2] * m[14]));
}

it('starts in front, at the distance given', () => {
  setUp();
  expect(place()).toBeCloseToTensor([0, 0, 2], 1e-6);
});

it('turns the head as it is dragged: half the height to the left is a quarter turn, which shows the left side of the subject', () => {
  const onChange = vi.fn();
  const { pointer } = setUp(onChange);
  pointer('pointerdown', 100, 50);
  pointer('pointermove', 50, 50);
  pointer('pointerup', 50, 50);
  pointer('pointermove', 0, 0);
  expect(place()).toBeCloseToTensor([2, 0, 0], 1e-5);
  expect(onChange).toHaveBeenCalledOnce();
});

it('turns by the arrow keys as by dragging', () => {
  const { canvas } = setUp();
  canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));
  canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }));
  expect(place()).toBeCloseToTensor(
    [-2 * Math.sin(0.1) * Math.cos(0.1), 2 * Math.sin(0.1), 2 * Math.cos(0.1) * Math.cos(0.1)],
    1e-5,
  );
});

it('never turns over the top', () => {
  const { pointer } = setUp();
  pointer('pointerdown', 100, 0);
  pointer('pointermove', 100, 1000);
  expect(place()[1]).toBeGreaterThan(1.9);
  expect(place()[2]).toBeGreaterThan(0);
});

it('comes nearer by the wheel, the keys and by spreading two fingers, within limits', () => {
  const { canvas, pointer } = setUp();
  canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: -1000 * Math.log(2) }));
  expect(place()[2]).toBeCloseTo(1);
  pointer('pointerdown', 90, 50);
  pointer('pointerdown', 110, 50, 1, 2);
  pointer('pointermove', 130, 50, 1, 2);
  expect(Math.hypot(place()[1], place()[2])).toBeCloseTo(0.5);
  for (let i = 0; i < 50; i++) canvas.dispatchEvent(new KeyboardEvent('keydown', { key: '+' }));
  expect(Math.hypot(place()[1], place()[2])).toBeCloseTo(0.2);
});

it('shifts by the right button so that what is grabbed follows, and a double click resets', () => {
  const { canvas, pointer } = setUp();
  pointer('pointerdown', 100, 50, 2);
  pointer('pointermove', 110, 30, 2);
  // A point under the pointer at the target's distance moves 10 px right and 20 px up: the camera goes left and down.
  const metresPerPixel = (2 * 2 * Math.tan(0.225)) / 100;
  expect(place()).toBeCloseToTensor([-10 * metresPerPixel, -20 * metresPerPixel, 2], 1e-5);
  canvas.dispatchEvent(new MouseEvent('dblclick'));
  expect(place()).toBeCloseToTensor([0, 0, 2], 1e-6);
});

it('keeps the face in an upright picture', () => {
  setUp();
  const [wide, upright] = [controls.clipFromCamera(2), controls.clipFromCamera(0.5)];
  expect(wide[5]).toBeCloseTo(1 / Math.tan(0.225), 4);
  expect(upright[0]).toBeCloseTo(1 / Math.tan(0.225), 4);
});

it('stops listening when disposed of', () => {
  const { canvas } = setUp();
  controls.dispose();
  canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: -500 }));
  expect(place()[2]).toBeCloseTo(2);
});
