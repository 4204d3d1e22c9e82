import type { EyeShape, SdfLayers } from '@implicit-faces/sdf-core';
import { BLOCKS, type VolumeLayout } from './deformation-volume.js';

/** A mesh near the skin and how far off it the skin may be: moved outward by that, it is where rays begin. */
export interface ProxyMesh {
  /** `[V, 3]`, metres. */
  positions: Float32Array;
  /** `[F, 3]`, counter-clockwise seen from outside. */
  triangles: Uint32Array;
  /** `[V]`, metres. */
  margins: Float32Array;
}

/** Vertices and triangles, no more; counter-clockwise seen from outside. */
export interface ProxyGeometry {
  positions: Float32Array;
  triangles: Uint32Array;
}

/** Moves a mesh outward by its margins, along normals that are weighted by area. @returns `[V, 3]` */
export function inflate({ positions, triangles, margins }: ProxyMesh): Float32Array {
  const normals = new Float32Array(positions.length);
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [3 * triangles[t], 3 * triangles[t + 1], 3 * triangles[t + 2]];
    const ux = positions[b] - positions[a];
    const uy = positions[b + 1] - positions[a + 1];
    const uz = positions[b + 2] - positions[a + 2];
    const vx = positions[c] - positions[a];
    const vy = positions[c + 1] - positions[a + 1];
    const vz = positions[c + 2] - positions[a + 2];
    const [x, y, z] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    for (let k = 0; k < 3; k++) {
      const v = 3 * triangles[t + k];
      normals[v] += x;
      normals[v + 1] += y;
      normals[v + 2] += z;
    }
  }
  const out = positions.slice();
  for (let v = 0, i = 0; v < margins.length; v++, i += 3) {
    const [x, y, z] = [normals[i], normals[i + 1], normals[i + 2]];
    const scale = margins[v] / Math.max(Math.sqrt(x * x + y * y + z * z), 1e-18);
    out[i] += scale * x;
    out[i + 1] += scale * y;
    out[i + 2] += scale * z;
  }
  return out;
}

/** Rows and columns of an eyeball's proxy, which has to lie outside of the ball it stands for. */
const EYE_ROWS = 8;
const EYE_COLUMNS = 16;
const EYE_MARGIN = 1e-3;

function eyeProxy({ centre, radius, bulge, frame }: EyeShape): ProxyGeometry {
  const flattest = Math.cos(Math.PI / (2 * EYE_ROWS)) * Math.cos(Math.PI / EYE_COLUMNS);
  const r = (Math.max(radius, bulge) + EYE_MARGIN) / flattest;
  const positions: number[] = [];
  const triangles: number[] = [];
  for (let row = 0; row <= EYE_ROWS; row++) {
    for (let column = 0; column <= EYE_COLUMNS; column++) {
      const [polar, around] = [(Math.PI * row) / EYE_ROWS, (2 * Math.PI * column) / EYE_COLUMNS];
      const q = [r * Math.sin(polar) * Math.cos(around), r * Math.sin(polar) * Math.sin(around), r * Math.cos(polar)];
      for (let k = 0; k < 3; k++)
        positions.push(centre[k] + frame[3 * k] * q[0] + frame[3 * k + 1] * q[1] + frame[3 * k + 2] * q[2]);
      if (row === EYE_ROWS || column === EYE_COLUMNS) continue;
      const a = row * (EYE_COLUMNS + 1) + column;
      const b = a + EYE_COLUMNS + 1;
      triangles.push(a, b, a + 1, a + 1, b, b + 1);
    }
  }
  return { positions: Float32Array.from(positions), triangles: Uint32Array.from(triangles) };
}

function boxProxy({ min, max }: SdfLayers['mouthBoxes'][number]): ProxyGeometry {
  const corner = (c: number) => [0, 1, 2].map((k) => ((c >> k) & 1 ? max[k] : min[k]));
  const triangles = [0, 1, 2].flatMap((k) => {
    const [u, v] = [1 << ((k + 1) % 3), 1 << ((k + 2) % 3)];
    const side = (base: number, a: number, b: number) => [base, base + a, base + b, base + b, base + a, base + a + b];
    return [...side(0, v, u), ...side(1 << k, u, v)];
  });
  return {
    positions: Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7].flatMap(corner)),
    triangles: Uint32Array.from(triangles),
  };
}

/** What stands for eyes, teeth and tongue, each in its template space. */
export function partProxies({ eyes, mouthBoxes }: Pick<SdfLayers, 'eyes' | 'mouthBoxes'>): ProxyGeometry[] {
  return [...eyes.map(eyeProxy), ...mouthBoxes.map(boxProxy)];
}

/** What a ray that begins somewhere may meet: skin of the head alone, skin of head and jaw, anything. */
export const REACHES = { head: 0, skin: 1, whole: 2 } as const;

/** All that a bake's rays may begin at, sorted by what they may meet. */
export interface ProxyParts extends ProxyGeometry {
  /** Where the triangles of each of `REACHES` begin, as numbers of indices, and where the last end. */
  begins: [number, number, number, number];
}

/** A ray that begins this far from what it may meet is not asked about it, metres. It may still come there, and notices. */
const NEIGHBOURHOOD = 2e-3;

/**
 * Puts together a bake's proxies.
 *
 * @param parts - of `partProxies`.
 * @param transforms - `[parts, 3, 4]`, posed from template.
 */
export function assembleProxy(
  skin: ProxyMesh,
  { blocks }: VolumeLayout,
  places: PartPlaces,
  parts: readonly ProxyGeometry[],
  transforms: Float32Array,
): ProxyParts {
  const skinPositions = inflate(skin);
  const count = (of: 'positions' | 'triangles') => parts.reduce((sum, part) => sum + part[of].length, 0);
  const positions = new Float32Array(skinPositions.length + count('positions'));
  positions.set(skinPositions);
  const reach = reachOfVertices(skinPositions, blocks, places);
  const sizes = [0, 0, count('triangles')];
  const reachOf = (t: number) => {
    const [a, b, c] = [reach[skin.triangles[t]], reach[skin.triangles[t + 1]], reach[skin.triangles[t + 2]]];
    return Math.max(a, b, c);
  };
  for (let t = 0; t < skin.triangles.length; t += 3) sizes[reachOf(t)] += 3;
  const begins: ProxyParts['begins'] = [0, sizes[0], sizes[0] + sizes[1], sizes[0] + sizes[1] + sizes[2]];
  const next = begins.slice();
  const triangles = new Uint32Array(begins[3]);
  for (let t = 0; t < skin.triangles.length; t += 3) {
    const r = reachOf(t);
    for (let k = 0; k < 3; k++) triangles[next[r]++] = skin.triangles[t + k];
  }
  let v = skinPositions.length;
  parts.forEach((part, p) => {
    const m = transforms.subarray(12 * p, 12 * p + 12);
    for (const index of part.triangles) triangles[next[REACHES.whole]++] = index + v / 3;
    for (let i = 0; i < part.positions.length; i += 3)
      for (let row = 0; row < 12; row += 4)
        positions[v++] =
          m[row] * part.positions[i] +
          m[row + 1] * part.positions[i + 1] +
          m[row + 2] * part.positions[i + 2] +
          m[row + 3];
  });
  return { positions, triangles, begins };
}

/** Where eyes, teeth and tongue are: as the shader's `comesElsewhere` has it. */
export interface PartPlaces {
  /** Of each eye three rows, its own axes from posed space: `[2, 3, 4]`. */
  eyeRows: Float32Array;
  /** How far an eye reaches, in its own axes. */
  eyeRadii: readonly number[];
  mouthMin: Float32Array;
  mouthMax: Float32Array;
}

/** How far around an eye skin is not all that matters; NEAR_EYE of field.glsl. */
const NEAR_EYE = 3e-3;

function reachOfVertices(
  positions: Float32Array,
  blocks: VolumeLayout['blocks'],
  { eyeRows, eyeRadii, mouthMin, mouthMax }: PartPlaces,
): Uint8Array {
  const reach = new Uint8Array(positions.length / 3);
  const mark = (min: ArrayLike<number>, max: ArrayLike<number>, value: number) => {
    const [x0, y0, z0] = [min[0] - NEIGHBOURHOOD, min[1] - NEIGHBOURHOOD, min[2] - NEIGHBOURHOOD];
    const [x1, y1, z1] = [max[0] + NEIGHBOURHOOD, max[1] + NEIGHBOURHOOD, max[2] + NEIGHBOURHOOD];
    for (let v = 0, i = 0; v < reach.length; v++, i += 3) {
      const [x, y, z] = [positions[i], positions[i + 1], positions[i + 2]];
      if (x > x0 && y > y0 && z > z0 && x < x1 && y < y1 && z < z1) reach[v] = value;
    }
  };
  for (const b of [BLOCKS.jaw, BLOCKS.mouth]) {
    const { origin, step, size } = blocks[b];
    mark(
      origin,
      origin.map((o, k) => o + step * (size[k] - 1)),
      REACHES.skin,
    );
  }
  mark(mouthMin, mouthMax, REACHES.whole);
  eyeRadii.forEach((radius, e) => {
    const m = eyeRows.subarray(12 * e, 12 * e + 12);
    const most = (radius + NEAR_EYE + NEIGHBOURHOOD) ** 2;
    for (let v = 0, i = 0; v < reach.length; v++, i += 3) {
      let square = 0;
      for (let row = 0; row < 12; row += 4)
        square +=
          (m[row] * positions[i] + m[row + 1] * positions[i + 1] + m[row + 2] * positions[i + 2] + m[row + 3]) ** 2;
      if (square < most) reach[v] = REACHES.whole;
    }
  });
  return reach;
}
