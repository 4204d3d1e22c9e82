import { type Codes, createCodes, type SdfModel } from '@implicit-faces/sdf-core';
import { REGIONS, sampleChartMap, type UvModel } from '@implicit-faces/uv-param';
import type { FaceKit } from './face-kit.js';
import { rows } from './vectors.js';

/** How far from the rim of an eye's socket a lid reaches on the mean face, metres; the same as the generator's `regions.lids`. */
const LIDS_RADIUS = 0.006;
/** A lip's vertex lies on its own solid, so f is zero there but for the networks' error; only deeper than this it counts as inside of the other solid, metres. */
const OWN_ERROR = 0.001;

/** Vertices of a skin mesh. */
export interface OpeningVertices {
  lids: Uint32Array;
  lips: Uint32Array;
}

/** The generator's: the vertices of its triangles near the rims. */
export function generatorOpenings({ skin, regions }: FaceKit): OpeningVertices {
  const vertices = (triangles: Uint32Array) =>
    Uint32Array.from(new Set([...triangles].flatMap((t) => [...skin.subarray(3 * t, 3 * t + 3)])));
  return { lids: vertices(regions.lids), lips: vertices(regions.lips) };
}

/** The model's mesh: its lips by the region map, its lids by their distance from the sockets' rims on the mean face. */
export async function modelOpenings(uv: UvModel): Promise<OpeningVertices> {
  const { skin, regions } = uv.topology;
  const region = sampleChartMap(regions, skin.uv);
  const mean = await uv.surfaceFromUv(skin.uv, createCodes(uv.manifest));
  const isOuter = (v: number) => region[v] !== REGIONS.eyeSockets && region[v] !== REGIONS.mouthBag;
  const rim = new Set<number>();
  for (let t = 0; t < skin.triangles.length; t += 3) {
    const corners = skin.triangles.subarray(t, t + 3);
    if (corners.some((v) => region[v] === REGIONS.eyeSockets)) for (const v of corners) if (isOuter(v)) rim.add(v);
  }
  const at = (v: number) => mean.subarray(3 * v, 3 * v + 3);
  const rimPoints = [...rim].map(at);
  const isLid = ([x, y, z]: Float32Array) =>
    rimPoints.some((p) => Math.hypot(p[0] - x, p[1] - y, p[2] - z) < LIDS_RADIUS);
  const all = Uint32Array.from(region, (_, v) => v);
  return { lids: all.filter((v) => isOuter(v) && isLid(at(v))), lips: all.filter((v) => region[v] === REGIONS.lips) };
}

/**
 * How deep the lids' vertices are in the eyeballs, and the lips' in the teeth or in the other lip's solid, by f's own parts; the eyeballs among them are analytic.
 *
 * @param positions - of all of the mesh's vertices, `[V, 3]`.
 * @returns metres, 0 outside: lids, then lips.
 */
export async function measurePenetration(
  sdf: SdfModel,
  codes: Codes,
  positions: Float32Array,
  { lids, lips }: OpeningVertices,
): Promise<Float32Array> {
  const { parts } = sdf.manifest;
  const { partDistances } = await sdf.evaluateParts(rows(positions, [...lids, ...lips]), codes);
  const of = (i: number, prefix: string) =>
    Math.min(...parts.map((name, k) => (name.startsWith(prefix) ? partDistances[parts.length * i + k] : 1)));
  return Float32Array.from({ length: lids.length + lips.length }, (_, i) => {
    if (i < lids.length) return Math.max(0, -of(i, 'eye'));
    const other = -of(i, 'skin');
    return Math.max(0, -of(i, 'teeth'), other > OWN_ERROR ? other : 0);
  });
}
