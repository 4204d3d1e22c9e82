import type { Camera } from '@implicit-faces/avatar';

/** A camera as it is optimised: rotation, translation and focal length, all of the head's place before the camera. */
export interface Pose {
  /** `[3, 3]` row-major: camera from world, glTF axes. */
  rotation: Float64Array;
  /** `[3]` metres. */
  translation: Float64Array;
  focalLengthPx: number;
  principalPointPx: readonly [number, number];
}

/** How many parameters a pose has: a small rotation about the camera's axes, a translation, the logarithm of the focal length. */
export const POSE_PARAMETERS = 7;

export function cameraFromPose({ rotation: r, translation: t, focalLengthPx, principalPointPx }: Pose): Camera {
  return {
    cameraFromWorld: [r[0], r[3], r[6], 0, r[1], r[4], r[7], 0, r[2], r[5], r[8], 0, t[0], t[1], t[2], 1],
    focalLengthPx,
    principalPointPx,
  };
}

/** exp(w) rotation, for a rotation vector w in radians: Rodrigues' formula. */
export function turnRotation(rotation: Float64Array, w: readonly number[]): Float64Array {
  const angle = Math.hypot(...w);
  const s = angle < 1e-9 ? 1 : Math.sin(angle) / angle;
  const c = angle < 1e-9 ? 0.5 : (1 - Math.cos(angle)) / (angle * angle);
  const [x, y, z] = w;
  // Rodrigues: I + s [w] + c [w]^2
  const e = [
    1 - c * (y * y + z * z),
    c * x * y - s * z,
    c * x * z + s * y,
    c * x * y + s * z,
    1 - c * (x * x + z * z),
    c * y * z - s * x,
    c * x * z - s * y,
    c * y * z + s * x,
    1 - c * (x * x + y * y),
  ];
  const out = new Float64Array(9);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      for (let k = 0; k < 3; k++) out[3 * i + j] += e[3 * i + k] * rotation[3 * k + j];
    }
  }
  return out;
}

/** A rotation `[3, 3]`, row-major, as a unit quaternion x, y, z, w with w not below 0. */
export function rotationQuaternion(r: Float64Array): [number, number, number, number] {
  const diagonal = [r[0], r[4], r[8]];
  const squares = [
    1 + diagonal[0] - diagonal[1] - diagonal[2],
    1 - diagonal[0] + diagonal[1] - diagonal[2],
    1 - diagonal[0] - diagonal[1] + diagonal[2],
    1 + diagonal[0] + diagonal[1] + diagonal[2],
  ];
  // Four times the products of the quaternion's numbers, of which the row of the largest is the most accurate.
  const [xy, xz, yz] = [r[1] + r[3], r[2] + r[6], r[5] + r[7]];
  const [xw, yw, zw] = [r[7] - r[5], r[2] - r[6], r[3] - r[1]];
  const rows = [
    [squares[0], xy, xz, xw],
    [xy, squares[1], yz, yw],
    [xz, yz, squares[2], zw],
    [xw, yw, zw, squares[3]],
  ];
  const row = rows[squares.indexOf(Math.max(...squares))];
  const length = Math.hypot(...row) * (row[3] < 0 ? -1 : 1);
  return row.map((q) => q / length) as [number, number, number, number];
}

/** The pose after a step `[w (3, radians), t (3, metres), log f]`: rotation = exp(w) rotation. */
export function stepPose(pose: Pose, step: ArrayLike<number>, from = 0): Pose {
  const rotation = turnRotation(pose.rotation, [step[from], step[from + 1], step[from + 2]]);
  return {
    rotation,
    translation: Float64Array.from(pose.translation, (t, i) => t + step[from + 3 + i]),
    focalLengthPx: pose.focalLengthPx * Math.exp(step[from + 6]),
    principalPointPx: pose.principalPointPx,
  };
}

/** A point's pixel and how it moves: derivatives by the point (world) and by the pose's parameters. */
export interface Projected {
  x: number;
  y: number;
  /** Metres along the viewing axis. */
  depth: number;
  /** `[2, 3]` by the point's x, y, z. */
  byPoint: Float64Array;
  /** `[2, 7]` by the pose's parameters. */
  byPose: Float64Array;
}

export function createProjected(): Projected {
  return { x: 0, y: 0, depth: 0, byPoint: new Float64Array(6), byPose: new Float64Array(14) };
}

/** Projects (x, y, z), metres, and fills in the derivatives. */
export function projectWithDerivatives(pose: Pose, x: number, y: number, z: number, out: Projected): Projected {
  const { rotation: r, translation: t, focalLengthPx: f, principalPointPx } = pose;
  const rx = r[0] * x + r[1] * y + r[2] * z;
  const ry = r[3] * x + r[4] * y + r[5] * z;
  const rz = r[6] * x + r[7] * y + r[8] * z;
  const cx = rx + t[0];
  const cy = ry + t[1];
  const depth = -(rz + t[2]);
  const k = f / depth;
  const px = k * cx;
  const py = -k * cy;
  out.x = principalPointPx[0] + px;
  out.y = principalPointPx[1] + py;
  out.depth = depth;
  // By the camera-space point: x = f X / depth, y = -f Y / depth, depth = -Z.
  const dxz = px / depth;
  const dyz = py / depth;
  const { byPoint, byPose } = out;
  for (let j = 0; j < 3; j++) {
    byPoint[j] = k * r[j] + dxz * r[6 + j];
    byPoint[3 + j] = -k * r[3 + j] + dyz * r[6 + j];
  }
  // d(exp(w) q)/dw_j = e_j x q with q = R p.
  byPose[0] = dxz * ry;
  byPose[1] = k * rz - dxz * rx;
  byPose[2] = -k * ry;
  byPose[7] = k * rz + dyz * ry;
  byPose[8] = -dyz * rx;
  byPose[9] = -k * rx;
  byPose[3] = k;
  byPose[4] = 0;
  byPose[5] = dxz;
  byPose[10] = 0;
  byPose[11] = -k;
  byPose[12] = dyz;
  byPose[6] = px;
  byPose[13] = py;
  return out;
}
