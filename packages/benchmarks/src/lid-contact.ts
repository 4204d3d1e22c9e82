import { Matrix, solve } from 'ml-matrix';
import { quantile } from './statistics.js';

/** The cornea's radius over the eyeball's, and the metres over which the two spheres join; as in the model. */
const CORNEA = 0.62;
const BLEND = 0.0012;
/** How far each eyeLook weight turns an eye at 1, degrees. */
const GAZE_DEGREES = { Up: 25, Down: 28, In: 28, Out: 30 };
/** Contact bends a lid away from the eyeball over about this many metres. */
const SOFT = 0.0002;

/** An eyeball at rest. */
interface Eye {
  side: 'L' | 'R';
  vertices: Uint32Array;
  centre: number[];
  radius: number;
  /** From the centre to the cornea's tip, metres. */
  bulge: number;
  /** The eyeball's own axes, +Z through the cornea. */
  axes: number[][];
}

/** Moves lids out of the eyeballs, in place. `positions` `[V, 3]` metres, an expression's weights by name. */
export type LidContact = (positions: Float32Array, weight: (name: string) => number) => void;

/**
 * The contact that the generator's linear sum lacks: a place of a lid at signed distance s from the eyeball goes along the eyeball's normal to w ln(1 + e^(s/w)), which is never
 * negative and leaves alone what is clear.
 *
 * The eyeball is a sphere and the cornea's smaller one, fitted to the mean face's; a posed face's own eyeball gives the affine map of both. It is written apart from the training
 * code, as what measures should be.
 *
 * @param neutral - the mean face, `[V, 3]` metres.
 * @param eyes - vertices of the left and the right eyeball's outer shell.
 * @param lids - vertices that may touch an eyeball.
 */
export function createLidContact(
  neutral: Float32Array,
  eyes: { left: Uint32Array; right: Uint32Array },
  lids: Uint32Array,
): LidContact {
  const fitted = [fitEye(neutral, eyes.left, 'L'), fitEye(neutral, eyes.right, 'R')];
  return (positions, weight) => {
    const offsets = new Float64Array(3 * lids.length);
    for (const eye of fitted) {
      const { linear, translation } = fitAffine(neutral, positions, eye);
      const posedFromEye = linear.mmul(gaze(eye.side, weight)).mmul(new Matrix(eye.axes).transpose());
      const eyeFromPosed = solve(posedFromEye, Matrix.eye(3));
      const at = eye.centre.map((x, k) => x + translation[k]);
      for (let i = 0; i < lids.length; i++) {
        const p = at.map((x, k) => positions[3 * lids[i] + k] - x);
        const { distance, normal } = distanceTo(eye, times(eyeFromPosed, p));
        const s = distance / SOFT;
        const push = SOFT * (Math.max(-s, 0) + Math.log1p(Math.exp(-Math.abs(s))));
        const direction = times(posedFromEye, normal);
        for (let k = 0; k < 3; k++) offsets[3 * i + k] += push * direction[k];
      }
    }
    for (let i = 0; i < lids.length; i++) for (let k = 0; k < 3; k++) positions[3 * lids[i] + k] += offsets[3 * i + k];
  };
}

/** Signed distance and its gradient in the eyeball's axes: a smooth minimum of two spheres (Quilez). */
function distanceTo({ radius, bulge }: Eye, q: number[]): { distance: number; normal: number[] } {
  const small = radius * CORNEA;
  const c = [q[0], q[1], q[2] - (bulge - small)];
  const toBall = Math.max(Math.hypot(...q), 1e-6);
  const toCornea = Math.max(Math.hypot(...c), 1e-6);
  const [ball, cornea] = [toBall - radius, toCornea - small];
  const h = Math.min(Math.max(0.5 + (0.5 * (cornea - ball)) / BLEND, 0), 1);
  const normal = q.map((x, k) => (x * h) / toBall + (c[k] * (1 - h)) / toCornea);
  const length = Math.hypot(...normal);
  return { distance: cornea + (ball - cornea) * h - BLEND * h * (1 - h), normal: normal.map((x) => x / length) };
}

function fitEye(neutral: Float32Array, vertices: Uint32Array, side: 'L' | 'R'): Eye {
  const points = [...vertices].map((v) => [...neutral.subarray(3 * v, 3 * v + 3)]);
  // The back seven tenths are the sphere; |p|^2 = 2 c . p + (r^2 - |c|^2) is linear in what is sought.
  const depth = quantile(
    points.map((p) => p[2]),
    0.7,
  );
  const back = points.filter((p) => p[2] < depth);
  const sought = solve(
    new Matrix(back.map((p) => [2 * p[0], 2 * p[1], 2 * p[2], 1])),
    Matrix.columnVector(back.map((p) => p[0] ** 2 + p[1] ** 2 + p[2] ** 2)),
    true,
  ).to1DArray();
  const centre = sought.slice(0, 3);
  const radius = Math.sqrt(sought[3] + centre.reduce((sum, x) => sum + x * x, 0));
  const around = points.map((p) => p.map((x, k) => x - centre[k]));
  const bulge = Math.max(...around.map((p) => Math.hypot(...p)));
  const far = around.filter((p) => Math.hypot(...p) > 1.05 * radius);
  const z = unit([0, 1, 2].map((k) => far.reduce((sum, p) => sum + p[k], 0)));
  const x = unit(cross([0, 1, 0], z));
  return { side, vertices, centre, radius, bulge, axes: [x, cross(z, x), z] };
}

/** Least squares of posed = linear (neutral - centre) + centre + translation over an eyeball's vertices. */
function fitAffine(neutral: Float32Array, positions: Float32Array, { vertices, centre }: Eye) {
  const from: number[][] = [];
  const to: number[][] = [];
  for (const v of vertices) {
    from.push([...centre.map((x, k) => neutral[3 * v + k] - x), 1]);
    to.push(centre.map((x, k) => positions[3 * v + k] - x));
  }
  const a = new Matrix(from);
  const map = solve(a.transpose().mmul(a), a.transpose().mmul(new Matrix(to))).transpose();
  return { linear: map.subMatrix(0, 2, 0, 2), translation: map.getColumn(3) };
}

/** Turns +Z to where the eyeLook weights look; the subject's left is +X. */
function gaze(side: 'L' | 'R', weight: (name: string) => number): Matrix {
  const turn = (way: keyof typeof GAZE_DEGREES) =>
    (weight(`eyeLook${way}_${side}`) * GAZE_DEGREES[way] * Math.PI) / 180;
  const yaw = (side === 'L' ? 1 : -1) * (turn('Out') - turn('In'));
  const pitch = turn('Up') - turn('Down');
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  return new Matrix([
    [cy, -sy * sp, sy * cp],
    [0, cp, sp],
    [-sy, -cy * sp, cy * cp],
  ]);
}

function times(m: Matrix, [x, y, z]: number[]): number[] {
  return [0, 1, 2].map((k) => m.get(k, 0) * x + m.get(k, 1) * y + m.get(k, 2) * z);
}

function cross(a: number[], b: number[]): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(v: number[]): number[] {
  const length = Math.hypot(...v);
  return v.map((x) => x / length);
}
