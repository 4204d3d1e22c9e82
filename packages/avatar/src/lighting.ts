import type { Camera, Lighting } from './types.js';

/** Puts the linear RGB light that arrives at a surface with the unit normal (x, y, z), in world axes, into `out` `[3]`. */
export type Shading = (x: number, y: number, z: number, out: Float64Array) => void;

/** Y_k(n), real and orthonormal, in the order of docs/conventions.md, into `out` `[9]`. */
export function sphericalHarmonics(x: number, y: number, z: number, out: Float64Array): Float64Array {
  out[0] = 0.282095;
  out[1] = 0.488603 * y;
  out[2] = 0.488603 * z;
  out[3] = 0.488603 * x;
  out[4] = 1.092548 * x * y;
  out[5] = 1.092548 * y * z;
  out[6] = 0.315392 * (3 * z * z - 1);
  out[7] = 1.092548 * x * z;
  out[8] = 0.546274 * (x * x - y * y);
  return out;
}

/** Light at the vertices of one mesh, for what no function of the normal says: shadows, highlights. Interpolated over its triangles. */
export interface VertexLight {
  /** `[V, 3]` linear RGB, multiplied by the albedo. */
  shading: Float32Array;
  /** `[V, 3]` linear RGB, added to it. */
  gloss?: Float32Array;
}

/** Shading by second-order spherical harmonics, see docs/conventions.md. Never negative. */
export function sphericalHarmonicsShading(lighting: Lighting): Shading {
  const s = [0.282095, 0.488603, 0.488603, 0.488603, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274];
  const l = Float64Array.from(lighting, (value, i) => value * s[Math.floor(i / 3)]);
  return (x, y, z, out) => {
    const xy = x * y;
    const yz = y * z;
    const zz = 3 * z * z - 1;
    const xz = x * z;
    const xx = x * x - y * y;
    for (let c = 0; c < 3; c++) {
      const value =
        l[c] +
        l[3 + c] * y +
        l[6 + c] * z +
        l[9 + c] * x +
        l[12 + c] * xy +
        l[15 + c] * yz +
        l[18 + c] * zz +
        l[21 + c] * xz +
        l[24 + c] * xx;
      out[c] = Math.max(value, 0);
    }
  };
}

/**
 * Light for looking at shape: a key from the upper left of the picture, a weak fill from the right, a rim from above and behind, little
 * ambient, all colourless. It stays with the camera, so every view is lit alike.
 */
export function clayShading(camera: Camera): Shading {
  const m = camera.cameraFromWorld;
  const lights = [
    { direction: [-0.55, 0.6, 0.58], strength: 0.95 },
    { direction: [0.85, 0.05, 0.52], strength: 0.2 },
    { direction: [0.3, 0.75, -0.6], strength: 0.35 },
  ].map(({ direction: [x, y, z], strength }) => ({
    x: m[0] * x + m[1] * y + m[2] * z,
    y: m[4] * x + m[5] * y + m[6] * z,
    z: m[8] * x + m[9] * y + m[10] * z,
    strength: strength / Math.hypot(x, y, z),
  }));
  return (x, y, z, out) => {
    let sum = 0.07 + 0.03 * y;
    for (const light of lights) sum += Math.max(0, light.strength * (x * light.x + y * light.y + z * light.z));
    out[0] = sum;
    out[1] = sum;
    out[2] = sum;
  };
}
