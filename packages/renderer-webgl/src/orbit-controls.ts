import { mergeOptions } from '@implicit-faces/runtime';
import { mat4, vec3 } from 'gl-matrix';
import { CLIP_RANGE_DEFAULTS } from './camera.js';

/** Tunables of `createOrbitControls`: angles in radians, lengths in metres. */
export interface OrbitControlsOptions {
  /** What the camera looks at and turns about. */
  target?: readonly [number, number, number];
  distance?: number;
  /** The head's turn as the camera sees it: positive, the face looks to the picture's right (and the camera is at -X). */
  yawRad?: number;
  /** Positive: the camera is above. */
  pitchRad?: number;
  fovYRad?: number;
  minDistance?: number;
  maxDistance?: number;
  /** Called after each move: draw. */
  onChange?: () => void;
}

export const ORBIT_CONTROLS_DEFAULTS = {
  target: [0, 0, 0] as readonly [number, number, number],
  distance: 0.7,
  yawRad: 0,
  pitchRad: 0,
  fovYRad: 0.45,
  minDistance: 0.2,
  maxDistance: 3,
};

export interface OrbitControls {
  /** 16 numbers, column-major. */
  cameraFromWorld(): Float32Array;
  /** @param aspect - width by height of the viewport. */
  clipFromCamera(aspect: number): Float32Array;
  /** Back to the start. */
  reset(): void;
  /** Stops listening. */
  dispose(): void;
}

/** Just short of straight above, where up would be lost. */
const MAX_PITCH = 1.5;

/**
 * Lets a visitor move round an avatar: drag or arrow keys turn, wheel, pinch or + and - come nearer, right-button or two-finger drag
 * shifts, double click resets.
 *
 * @param canvas - any element; give it a `tabindex` for the keys to work.
 */
export function createOrbitControls(canvas: HTMLElement, options: OrbitControlsOptions = {}): OrbitControls {
  const { onChange, ...given } = options;
  const start = mergeOptions(ORBIT_CONTROLS_DEFAULTS, given);
  let { target, distance, yawRad, pitchRad } = start;
  const pointers = new Map<number, { x: number; y: number }>();
  const listening = new AbortController();

  function turn(yaw: number, pitch: number): void {
    yawRad += yaw;
    pitchRad = clamp(pitchRad + pitch, -MAX_PITCH, MAX_PITCH);
    onChange?.();
  }

  function approach(factor: number): void {
    distance = clamp(distance * factor, start.minDistance, start.maxDistance);
    onChange?.();
  }

  /** Moves the target so that what is under the pointer follows it. */
  function shift(dx: number, dy: number): void {
    const m = cameraFromWorld();
    const metresPerPixel = (2 * distance * Math.tan(start.fovYRad / 2)) / canvas.clientHeight;
    const along = (i: number) => target[i] + metresPerPixel * (dy * m[4 * i + 1] - dx * m[4 * i]);
    target = [along(0), along(1), along(2)];
    onChange?.();
  }

  function cameraFromWorld(): Float32Array {
    const place = vec3.fromValues(
      target[0] - distance * Math.cos(pitchRad) * Math.sin(yawRad),
      target[1] + distance * Math.sin(pitchRad),
      target[2] + distance * Math.cos(pitchRad) * Math.cos(yawRad),
    );
    return Float32Array.from(mat4.lookAt(mat4.create(), place, vec3.fromValues(...target), [0, 1, 0]));
  }

  function onPointerMove(event: PointerEvent): void {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    pointers.set(event.pointerId, now);
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = (p: { x: number; y: number }) => Math.max(Math.hypot(p.x - other.x, p.y - other.y), 1);
      approach(apart(before) / apart(now));
      shift(dx / 2, dy / 2);
    } else if (event.buttons & 2 || event.shiftKey) {
      shift(dx, dy);
    } else {
      // Half a turn for the canvas' height, whatever its size.
      const radiansPerPixel = Math.PI / canvas.clientHeight;
      turn(dx * radiansPerPixel, dy * radiansPerPixel);
    }
  }

  const keys: Record<string, () => void> = {
    ArrowLeft: () => turn(-0.1, 0),
    ArrowRight: () => turn(0.1, 0),
    ArrowUp: () => turn(0, -0.1),
    ArrowDown: () => turn(0, 0.1),
    '+': () => approach(0.9),
    '-': () => approach(1 / 0.9),
  };

  function listen<K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (event: HTMLElementEventMap[K]) => void,
  ): void {
    canvas.addEventListener(type, listener, { signal: listening.signal, passive: false });
  }
  listen('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  listen('pointermove', onPointerMove);
  listen('pointerup', (event) => pointers.delete(event.pointerId));
  listen('pointercancel', (event) => pointers.delete(event.pointerId));
  listen('contextmenu', (event) => event.preventDefault());
  listen('dblclick', reset);
  listen('wheel', (event) => {
    event.preventDefault();
    // Lines (Firefox) are about 16 pixels.
    approach(Math.exp(event.deltaY * (event.deltaMode === 1 ? 16 : 1) * 0.001));
  });
  listen('keydown', (event) => {
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  // Or the browser would scroll and zoom the page by the same gestures.
  canvas.style.touchAction = 'none';

  function reset(): void {
    ({ target, distance, yawRad, pitchRad } = start);
    onChange?.();
  }

  return {
    cameraFromWorld,
    clipFromCamera(aspect) {
      const { near, far } = CLIP_RANGE_DEFAULTS;
      // fovYRad is that of the shorter side, so that a face also fits an upright telephone.
      const fovY = aspect < 1 ? 2 * Math.atan(Math.tan(start.fovYRad / 2) / aspect) : start.fovYRad;
      return Float32Array.from(mat4.perspective(mat4.create(), fovY, aspect, near, far));
    },
    reset,
    dispose: () => listening.abort(),
  };
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
