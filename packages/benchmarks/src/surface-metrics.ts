import type { Codes, Field, SdfModel } from '@implicit-faces/sdf-core';
import type { Random } from '@implicit-faces/test-utils';
import type { FaceKit } from './face-kit.js';
import type { TriangleSurface } from './triangle-surface.js';
import { dots, indicesWhere, moved, normalized, rows } from './vectors.js';
import { differenceGradients, projectToZeroSet } from './zero-set.js';

const POINTS = { face: 2000, lips: 500, lids: 500, eikonal: 800 };
/** How far from the true surface the eikonal error is looked at, metres. */
const SHELL = 0.005;

/** One face's figures, point by point. */
export interface SurfaceFigures {
  /** Metres from the true skin to the skin part's zero set: on the face, near the lips' rim, near the lids' rims. */
  face: Float32Array;
  lips: Float32Array;
  lids: Float32Array;
  /** Degrees between the field's gradient on the zero set and the true normal, on the face. */
  normalDegrees: Float32Array;
  /** | |grad f| - 1 | within 5 mm of the true surface. */
  eikonal: Float32Array;
  /** `[N, 3]` the points on the true face, metres. */
  points: Float32Array;
}

/** Compares the skin part's zero set with the true skin, and looks at the whole field's slope near it. */
export async function measureSurface(
  model: SdfModel,
  codes: Codes,
  kit: FaceKit,
  truth: TriangleSurface,
  random: Random,
): Promise<SurfaceFigures> {
  const parts = model.manifest.parts.length;
  const skin: Field = async (points) => {
    const { partDistances } = await model.evaluateParts(points, codes);
    return Float32Array.from({ length: points.length / 3 }, (_, i) => partDistances[parts * i]);
  };
  const face = truth.sample(kit.regions.face, POINTS.face, random);
  const projection = await projectToZeroSet(skin, face.points);
  const lips = await projectToZeroSet(skin, truth.sample(kit.regions.lips, POINTS.lips, random).points);
  const lids = await projectToZeroSet(skin, truth.sample(kit.regions.lids, POINTS.lids, random).points);

  const found = indicesWhere(POINTS.face, (i) => projection.found[i] === 1);
  const normals = normalized(await differenceGradients(skin, rows(projection.points, found)));
  const cosines = dots(normals, rows(face.normals, found));
  const normalDegrees = cosines.map((cosine) => (Math.acos(Math.min(Math.max(cosine, -1), 1)) * 180) / Math.PI);

  const near = truth.sample(kit.regions.face, POINTS.eikonal, random);
  const { gradient } = await model.gradient(
    moved(near.points, near.normals, random.uniforms(POINTS.eikonal, -SHELL, SHELL)),
    codes,
  );
  const eikonal = dots(gradient, gradient).map((square) => Math.abs(Math.sqrt(square) - 1));
  return {
    face: projection.distances,
    lips: lips.distances,
    lids: lids.distances,
    normalDegrees,
    eikonal,
    points: face.points,
  };
}
