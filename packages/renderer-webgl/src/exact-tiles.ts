import { type Codes, modelField, type SdfModel, sphereTrace } from '@implicit-faces/sdf-core';
import type { UvModel } from '@implicit-faces/uv-param';
import type { ExactRenderOptions } from './exact-renderer.js';
import { invert4, multiply4 } from './matrices.js';

/** What a tile of the picture shows. */
export interface ExactTile {
  /** In the viewport, pixels from the bottom left. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** `[H, W, 4]` each, the lowest row first: world normal and part, -1 where nothing was hit; UV and depth 0 to 1; world position; the direction to the eye. */
  layers: readonly [normal: Float32Array, place: Float32Array, position: Float32Array, toEye: Float32Array];
}

/** Traces the face tile by tile through its networks, for shaders/deferred to shade. Tiles that show nothing are left out. */
export async function* traceTiles(
  model: { sdf: SdfModel; uv: UvModel },
  options: Pick<
    ExactRenderOptions,
    'clipFromCamera' | 'cameraFromWorld' | 'viewport' | 'codes' | 'signal' | 'onProgress'
  > & { tileSize: number },
): AsyncGenerator<ExactTile> {
  const { clipFromCamera, cameraFromWorld, codes, tileSize, signal } = options;
  const [, , width, height] = options.viewport;
  const clipFromWorld = multiply4(clipFromCamera, cameraFromWorld);
  const worldFromClip = invert4(clipFromWorld);
  const columns = Math.ceil(width / tileSize);
  const rows = Math.ceil(height / tileSize);
  for (let tile = 0; tile < columns * rows; tile++) {
    const [x, y] = [(tile % columns) * tileSize, Math.floor(tile / columns) * tileSize];
    const [w, h] = [Math.min(tileSize, width - x), Math.min(tileSize, height - y)];
    const layers = await traceTile(model, codes, worldFromClip, clipFromWorld, [x, y, w, h], [width, height], signal);
    options.onProgress?.((tile + 1) / (columns * rows));
    if (layers) yield { x, y, width: w, height: h, layers };
  }
}

/** The surface seen through a tile's pixels, rows from the bottom; `undefined` where nothing is. */
async function traceTile(
  { sdf, uv }: { sdf: SdfModel; uv: UvModel },
  codes: Codes,
  worldFromClip: Float64Array,
  clipFromWorld: Float64Array,
  [x, y, w, h]: readonly [number, number, number, number],
  [width, height]: readonly [number, number],
  signal?: AbortSignal,
) {
  const count = w * h;
  const origins = new Float32Array(3 * count);
  const directions = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const ndc = [(2 * (x + (i % w) + 0.5)) / width - 1, (2 * (y + Math.floor(i / w) + 0.5)) / height - 1];
    const [near, far] = [-1, 1].map((z) => project(worldFromClip, ndc[0], ndc[1], z));
    const length = Math.hypot(far[0] - near[0], far[1] - near[1], far[2] - near[2]);
    for (let k = 0; k < 3; k++) {
      origins[3 * i + k] = near[k];
      directions[3 * i + k] = (far[k] - near[k]) / length;
    }
  }
  const { hit, positions } = await sphereTrace(
    modelField(sdf, codes),
    { origins, directions },
    { bounds: sdf.manifest.bounds, signal },
  );
  const which = [...hit.keys()].filter((i) => hit[i]);
  if (which.length === 0) return undefined;
  const points = Float32Array.from(
    { length: 3 * which.length },
    (_, n) => positions[3 * which[Math.floor(n / 3)] + (n % 3)],
  );
  const normals = await sdf.normals(points, codes);
  const { uv: places, chart } = await uv.uvFromSurface(points, codes);
  const normal = new Float32Array(4 * count).fill(-1);
  const place = new Float32Array(4 * count);
  const position = new Float32Array(4 * count);
  const toEye = new Float32Array(4 * count);
  which.forEach((i, n) => {
    normal.set([normals[3 * n], normals[3 * n + 1], normals[3 * n + 2], chart[n]], 4 * i);
    const clip = project(clipFromWorld, points[3 * n], points[3 * n + 1], points[3 * n + 2]);
    place.set([places[2 * n], places[2 * n + 1], 0.5 + 0.5 * clip[2]], 4 * i);
    position.set(points.subarray(3 * n, 3 * n + 3), 4 * i);
    toEye.set([-directions[3 * i], -directions[3 * i + 1], -directions[3 * i + 2]], 4 * i);
  });
  return [normal, place, position, toEye] as const;
}

function project(m: Float64Array, x: number, y: number, z: number): [number, number, number] {
  const w = m[3] * x + m[7] * y + m[11] * z + m[15];
  const row = (k: number) => (m[k] * x + m[4 + k] * y + m[8 + k] * z + m[12 + k]) / w;
  return [row(0), row(1), row(2)];
}
