import { type Codes, modelField, type Rays, type SdfModel, sphereTrace } from '@implicit-faces/sdf-core';
import type { Random } from '@implicit-faces/test-utils';
import type { TriangleSurface } from './triangle-surface.js';
import { indicesWhere, normalized, rows } from './vectors.js';

/** Cameras all around: [yaw, pitch] in degrees, yaw to the subject's left, pitch up. Each face is seen by some of them. */
const VIEWS = [
  [0, 0],
  [35, 0],
  [-60, 10],
  [90, 0],
  [0, -35],
  [-35, 0],
  [60, -25],
  [180, 0],
  [0, 45],
  [-90, 0],
  [35, 30],
  [135, 0],
  [-35, -30],
  [-135, 20],
] as const;
const VIEWS_PER_FACE = 4;
const RAYS_PER_SIDE = 26;
/** Camera to the head's middle and half the picture's width there, metres. */
const CAMERA_DISTANCE = 0.7;
const HALF_WIDTH = 0.2;
/** Rays from anywhere in the volume, down the field's gradient: they find shells that no camera happens to see. */
const VOLUME_POINTS = 1500;
/** What counts as a wrong hit, metres. */
const WRONG = 0.002;
/** |cosine| below which a true hit is a graze: there a tenth of a millimetre decides between hit and miss. */
export const GRAZING = 0.2;

/** One face's figures. */
export interface TraceFigures {
  /** Metres from the zero set, as far as it is seen from outside, to the true surface: skin to skin, other parts to any. */
  back: Float32Array;
  /** Rays that count, and those of them that are wrong. */
  rays: number;
  wrong: number;
}

/** The true head: its skin alone, and with eyes, teeth, gums and tongue. */
export interface TrueHead {
  skin: TriangleSurface;
  all: TriangleSurface;
}

/** What one of a face's rays found, where that is wrong. */
export interface WrongRay {
  /** Metres; and a unit vector. */
  origin: Float32Array;
  direction: Float32Array;
  /** Nothing where there is something; something too deep; something where nothing is near. */
  verdict: 'missed' | 'overshot' | 'stray';
  /** Metres along the ray to the true head and to the zero set, Infinity where there is none. */
  trueT: number;
  t: number;
  /** |cosine| between ray and true triangle, 0 where none is met. */
  cosine: number;
  /** Metres from the hit to the true surface; 0 where there is no hit. */
  error: number;
  /** Whether the tracer ran out of steps. */
  exhausted: boolean;
}

/** What a face's cameras see of it. */
export interface CameraTrace {
  /** `[N]` metres from each hit on the zero set to the true surface. */
  back: Float32Array;
  /** Rays that count, and those of them that are wrong. */
  rays: number;
  wrong: WrongRay[];
}

/** Traces the field from all around and compares what is hit with the true head. */
export async function measureTrace(
  model: SdfModel,
  codes: Codes,
  truth: TrueHead,
  index: number,
  random: Random,
): Promise<TraceFigures> {
  const { back, rays, wrong } = await traceCameras(model, codes, truth, index, random);
  const volume = await traceDown(model, codes, random);
  const shells = await distancesToTruth(model, codes, truth, volume);
  return { back: Float32Array.from([...back, ...shells]), rays, wrong: wrong.length };
}

/** Traces rays from the cameras of a face and finds those that are wrong. */
export async function traceCameras(
  model: SdfModel,
  codes: Codes,
  truth: TrueHead,
  index: number,
  random: Random,
): Promise<CameraTrace> {
  const { bounds } = model.manifest;
  const { origins, directions } = cameraRays(index, bounds, random);
  const traced = await sphereTrace(modelField(model, codes), { origins, directions }, { bounds });
  const count = traced.hit.length;
  const hits = truth.all.hits(origins, directions);
  const hitRays = indicesWhere(count, (i) => traced.hit[i] === 1);
  const back = await distancesToTruth(model, codes, truth, rows(traced.positions, hitRays));

  const error = new Float32Array(count);
  hitRays.forEach((ray, k) => {
    error[ray] = back[k];
  });
  let rays = 0;
  const wrong: WrongRay[] = [];
  for (let i = 0; i < count; i++) {
    const truly = Number.isFinite(hits.t[i]) && hits.cosine[i] >= GRAZING;
    const grazing = Number.isFinite(hits.t[i]) && !truly;
    if (grazing || (!truly && !traced.hit[i])) continue;
    rays++;
    const missed = truly && !traced.hit[i];
    const overshot = truly && (traced.t[i] - hits.t[i]) * hits.cosine[i] > WRONG;
    if (!missed && !overshot && !(error[i] > WRONG)) continue;
    wrong.push({
      origin: rows(origins, [i]),
      direction: rows(directions, [i]),
      verdict: missed ? 'missed' : overshot ? 'overshot' : 'stray',
      trueT: hits.t[i],
      t: traced.t[i],
      cosine: hits.cosine[i],
      error: error[i],
      exhausted: traced.exhausted[i] === 1,
    });
  }
  return { back, rays, wrong };
}

/** Where points of the volume outside of the head come to by going down the field's gradient. `[N, 3]` */
async function traceDown(model: SdfModel, codes: Codes, random: Random): Promise<Float32Array> {
  const { bounds } = model.manifest;
  const points = Float32Array.from({ length: 3 * VOLUME_POINTS }, (_, i) =>
    random.uniform(bounds.min[i % 3], bounds.max[i % 3]),
  );
  const { distance, gradient } = await model.gradient(points, codes);
  const outside = indicesWhere(VOLUME_POINTS, (i) => distance[i] > 0);
  const directions = normalized(rows(gradient, outside)).map((x) => -x);
  const { hit, positions } = await sphereTrace(
    modelField(model, codes),
    { origins: rows(points, outside), directions },
    { bounds },
  );
  return rows(
    positions,
    indicesWhere(hit.length, (i) => hit[i] === 1),
  );
}

async function distancesToTruth(
  model: SdfModel,
  codes: Codes,
  truth: TrueHead,
  points: Float32Array,
): Promise<Float32Array> {
  const { distance, partDistances } = await model.evaluateParts(points, codes);
  const parts = model.manifest.parts.length;
  const toSkin = truth.skin.distances(points);
  const toAny = truth.all.distances(points);
  return toSkin.map((value, i) => (partDistances[parts * i] <= distance[i] ? value : toAny[i]));
}

/** A jittered raster of rays from each of a face's cameras. */
export function cameraRays(index: number, bounds: SdfModel['manifest']['bounds'], random: Random): Rays {
  const perView = RAYS_PER_SIDE ** 2;
  const origins = new Float32Array(3 * VIEWS_PER_FACE * perView);
  const targets = new Float32Array(origins.length);
  const centre = [0, 1, 2].map((k) => (bounds.min[k] + bounds.max[k]) / 2);
  for (let view = 0; view < VIEWS_PER_FACE; view++) {
    const [yaw, pitch] = VIEWS[(index * VIEWS_PER_FACE + view) % VIEWS.length].map(
      (degrees) => (degrees * Math.PI) / 180,
    );
    const right = [Math.cos(yaw), 0, -Math.sin(yaw)];
    const up = [-Math.sin(yaw) * Math.sin(pitch), Math.cos(pitch), -Math.cos(yaw) * Math.sin(pitch)];
    const away = [Math.sin(yaw) * Math.cos(pitch), Math.sin(pitch), Math.cos(yaw) * Math.cos(pitch)];
    for (let i = 0; i < perView; i++) {
      const across = (((i % RAYS_PER_SIDE) + random.uniform()) / RAYS_PER_SIDE) * 2 - 1;
      const along = ((Math.floor(i / RAYS_PER_SIDE) + random.uniform()) / RAYS_PER_SIDE) * 2 - 1;
      for (let k = 0; k < 3; k++) {
        const at = 3 * (view * perView + i) + k;
        origins[at] = centre[k] + CAMERA_DISTANCE * away[k];
        targets[at] = centre[k] + HALF_WIDTH * (across * right[k] + along * up[k]);
      }
    }
  }
  return { origins, directions: normalized(targets.map((x, i) => x - origins[i])) };
}
