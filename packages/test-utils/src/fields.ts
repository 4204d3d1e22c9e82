import { createRandom } from './random.js';

/** A distance-like field: negative inside. `lipschitz` bounds the length of its gradient. */
export interface Field {
  evaluate(x: number, y: number, z: number): number;
  lipschitz: number;
}

/** The exact distance to a sphere. */
export function sphereField(radius: number, [cx, cy, cz]: readonly number[] = [0, 0, 0]): Field {
  return { evaluate: (x, y, z) => Math.hypot(x - cx, y - cy, z - cz) - radius, lipschitz: 1 };
}

/** The exact distance to a torus around the z axis. */
export function torusField(ringRadius: number, tubeRadius: number): Field {
  return { evaluate: (x, y, z) => Math.hypot(Math.hypot(x, y) - ringRadius, z) - tubeRadius, lipschitz: 1 };
}

/** The exact distance to an axis-aligned box around the origin: sharp edges and flat faces. */
export function boxField(hx: number, hy: number, hz: number): Field {
  return {
    evaluate(x, y, z) {
      const qx = Math.abs(x) - hx;
      const qy = Math.abs(y) - hy;
      const qz = Math.abs(z) - hz;
      const outside = Math.hypot(Math.max(qx, 0), Math.max(qy, 0), Math.max(qz, 0));
      return outside + Math.min(Math.max(qx, qy, qz), 0);
    },
    lipschitz: 1,
  };
}

/**
 * A smooth lumpy field: random plane waves added to a ball, so that its zero set is closed inside the ball of `radius * 1.6`,
 * with handles and separate pieces.
 */
export function lumpyField(seed: number, radius = 1, waves = 6): Field {
  const random = createRandom(seed);
  const amplitude = (0.6 * radius) / waves;
  const list = Array.from({ length: waves }, () => ({
    kx: (random.normal() * 4) / radius,
    ky: (random.normal() * 4) / radius,
    kz: (random.normal() * 4) / radius,
    phase: random.uniform(0, 2 * Math.PI),
  }));
  return {
    evaluate(x, y, z) {
      let sum = Math.hypot(x, y, z) - radius;
      for (const { kx, ky, kz, phase } of list) sum += amplitude * Math.sin(kx * x + ky * y + kz * z + phase);
      return sum;
    },
    lipschitz: 1 + amplitude * list.reduce((sum, { kx, ky, kz }) => sum + Math.hypot(kx, ky, kz), 0),
  };
}
