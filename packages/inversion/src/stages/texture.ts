import {
  alignTangent,
  bendNormal,
  type Camera,
  computeTangents,
  decodeNormalMap,
  hiddenLight,
  isVisible,
  type PartMesh,
  type Raster,
  type RgbaImage,
  rasterize,
  sphericalHarmonics,
} from '@implicit-faces/avatar';
import {
  type ChartMap,
  encodeSrgb,
  pullPush,
  resampleChartMap,
  sampleChartMap,
  softened,
} from '@implicit-faces/uv-param';
import { type Crop, lookUp, lookUpSharp, type Plane } from '../photo.js';
import { cameraFromPose, type Pose } from '../pose.js';
import { LIGHT_FLOOR } from './appearance.js';
import { applyRatios, joinMirrored, RATIO_LIMITS } from './blend-ratios.js';
import { broadGrey, SHADE_SIZE } from './broad-grey.js';
import { type ChartRaster, drawChart } from './draw-chart.js';
import { findGlasses } from './glasses.js';

/** The avatar as the photo shows it. */
export interface Scene {
  /** The avatar's parts, all of which may hide each other. */
  meshes: readonly PartMesh[];
  pose: Pose;
  /** `[9, 3]` */
  lighting: Float64Array;
  /** What the skin, the first part, hides of it, `[V, 9]` of `computeOcclusion`; nothing when absent. */
  occlusion?: Float32Array;
  /** The face in linear light at the photo's own resolution, and the person's mask over it. */
  crop: Crop;
  mask: Plane;
}

/** A scene with what is seen at each of the crop's pixels. */
export interface SeenScene extends Scene {
  /** In the crop's pixels. */
  camera: Camera;
  raster: Raster;
  /** The parts of which a pixel is seen. */
  seenParts: ReadonlySet<number>;
}

export interface TextureInput {
  /** The photos of one person, in each of which the parts are the same. */
  scenes: readonly SeenScene[];
  /** Which of a scene's meshes to finish. */
  part: number;
  /** Places of the chart that are taken from the photo whatever their colour, 255, and those that must look like the model, 0; all are, when absent. */
  trusted?: ChartMap;
  /** The chart's left half mirrors its right. */
  symmetric?: boolean;
  /** Places of the chart where light that the scenes' lighting does not explain is looked for, 255, and left out; none when absent. */
  shaded?: ChartMap;
  /** `REGIONS` of a chart on which glasses may be seen; they are no part of the texture. */
  regions?: ChartMap;
  /** `[size, size, 3]` linear, the model's albedo; the size is a power of two. */
  albedo: Float32Array;
  size: number;
}

/** What `finishTexture` makes. */
export interface FinishedTexture {
  image: RgbaImage;
  /** `[SHADE_SIZE, SHADE_SIZE]` logarithms of the light on the photo that its lighting does not explain; 0 outside the places where it was looked for. */
  unexplained?: Float32Array;
}

/** A shading below this is noise when the photo is divided by it. */
const LEAST_SHADING = 0.08;
/** Texels as much as this behind the seen surface are hidden, metres. */
const VISIBILITY_TOLERANCE = 0.0015;
/** Cosines between which a texel goes from unseen to seen. */
const GRAZING = [0.12, 0.4] as const;
/** Cosines between which a texel of the face goes from one that must look like the model to one that is believed as it is. */
const TURNED = [0.2, 0.45] as const;
/** Radius of the blur of the trusted places' edge, in their map's texels: hair and background come in there, first at the temples. */
const SOFT_EDGE = 9;
/**
 * How far, in logarithms of albedo, a texel outside the face may be from the model's before it is taken for hair, cloth or background: in brightness, which shadows change,
 * and in colour, which only another material does.
 */
const FOREIGN = { brightness: 0.35, colour: 0.12 };
/** Draws the scene once, for the textures of all its parts. */
export function seeScene(scene: Scene): SeenScene {
  const { meshes, pose, crop } = scene;
  const whole = cameraFromPose(pose);
  const camera: Camera = {
    ...whole,
    focalLengthPx: whole.focalLengthPx * crop.scale,
    principalPointPx: [
      (whole.principalPointPx[0] - crop.left) * crop.scale,
      (whole.principalPointPx[1] - crop.top) * crop.scale,
    ],
  };
  const raster = rasterize(meshes, camera, { width: crop.width, height: crop.height });
  return { ...scene, camera, raster, seenParts: new Set(raster.part) };
}

/**
 * A part's finished texture: the photo, divided by the light, where the part was seen; the skin's mirror image, then the model's albedo, where not. Of several photos, those that see
 * a place best.
 *
 * What is blended is the logarithm of photo over model. Filling its gaps from coarse to fine carries tone and complexion smoothly from what was seen to what was
 * not, so no seam appears, and where nothing is known nearby the model's own albedo stays.
 *
 * @returns sRGB, `size` squared.
 */
export function finishTexture(input: TextureInput): FinishedTexture {
  const { albedo, size, symmetric, shaded } = input;
  if (!input.scenes.some(({ seenParts }) => seenParts.has(input.part)))
    return { image: { data: encodeSrgb(albedo), width: size, height: size } };
  const { ratio, weight } = seenRatios(input);
  const glasses = input.regions && findGlasses(ratio, weight, size, input.regions);
  if (glasses) {
    const covered = resampleChartMap(softened(glasses, 1), size);
    for (let i = 0; i < weight.length; i++) weight[i] *= 1 - covered[i] / 255;
  }
  const ratios = { ratio, weight, size, symmetric };
  const { joined, share } = joinMirrored(ratios);
  const filled = pullPush(joined, share, size);
  const unexplained = shaded && broadGrey(filled, size, resampleChartMap(softened(shaded, SOFT_EDGE), SHADE_SIZE));
  return { image: { data: applyRatios(ratios, filled, albedo, unexplained), width: size, height: size }, unexplained };
}

/** Side of the texture that a tint is looked for in, and how many of its texels have to be seen to name one. */
const TINT_SIZE = 256;
const TINT_TEXELS = 150;
/** Seen worse than this a texel does not vote. */
const TINT_WEIGHT = 0.3;

/**
 * How far the colour of some of a part's texels, as the photo shows them, is from the albedo, on the median: hair, where the scalp is asked for.
 *
 * @param input - `trusted` does not count.
 * @param places - the texels that vote, 255 in a map of the chart.
 * @returns `[3]` logarithms of photo over albedo; zeros where too little is seen.
 */
export function seenTint(input: TextureInput, places: ChartMap): Float64Array {
  const { albedo, size, part } = input;
  const coarse = pickTexels(albedo, size, TINT_SIZE);
  const everything = { data: new Uint8Array(1).fill(255), size: 1 };
  const scenes = input.scenes.map((scene) => {
    const meshes = scene.meshes.map((mesh, k) => (k === part ? trianglesAt(mesh, places) : mesh));
    return { ...scene, meshes };
  });
  const { ratio, weight } = seenRatios({ ...input, scenes, albedo: coarse, size: TINT_SIZE, trusted: everything });
  const votes = resampleChartMap(places, TINT_SIZE);
  const voters: number[] = [];
  for (let i = 0; i < votes.length; i++) if (votes[i] === 255 && weight[i] > TINT_WEIGHT) voters.push(i);
  if (voters.length < TINT_TEXELS) return new Float64Array(3);
  return Float64Array.from({ length: 3 }, (_, c) => {
    const values = voters.map((i) => ratio[3 * i + c]).sort((a, b) => a - b);
    return values[values.length >> 1];
  });
}

/** The mesh without the triangles of which no corner is at these places. */
function trianglesAt(mesh: PartMesh, places: ChartMap): PartMesh {
  return keepTriangles(
    mesh,
    sampleChartMap(places, mesh.uvs).map((inside) => Number(inside === 255)),
  );
}

/** Every so many texels of a smooth texture `[size, size, 3]`: `[to, to, 3]`. */
export function pickTexels(texture: Float32Array, size: number, to: number): Float32Array {
  const step = size / to;
  const out = new Float32Array(3 * to * to);
  for (let i = 0; i < to * to; i++) {
    const at = 3 * (Math.floor((Math.floor(i / to) + 0.5) * step) * size + Math.floor(((i % to) + 0.5) * step));
    out.set(texture.subarray(at, at + 3), 3 * i);
  }
  return out;
}

/** How much more a photo counts that shows a texel with more pixels, as a power: averages of photos that are a little off each other would blur. */
const SHARPER = 4;

/** ln(photo / shading / albedo) of every texel `[size, size, 3]` over all photos, and how well it was seen `[size, size]`. */
function seenRatios({ scenes, part, trusted, albedo, size }: TextureInput) {
  const trust = trusted && resampleChartMap(softened(trusted, SOFT_EDGE), size);
  const best = seenInScene(scenes[0], part, trust, albedo, size);
  if (scenes.length === 1) return best;
  const share = best.weight.map((w, i) => (w * best.detail[i]) ** SHARPER);
  for (let i = 0; i < share.length; i++) for (let c = 0; c < 3; c++) best.ratio[3 * i + c] *= share[i];
  for (const scene of scenes.slice(1)) {
    const { ratio, weight, detail } = seenInScene(scene, part, trust, albedo, size);
    for (let i = 0; i < share.length; i++) {
      if (weight[i] <= 0) continue;
      const more = (weight[i] * detail[i]) ** SHARPER;
      share[i] += more;
      for (let c = 0; c < 3; c++) best.ratio[3 * i + c] += more * ratio[3 * i + c];
      best.weight[i] = Math.max(best.weight[i], weight[i]);
    }
  }
  for (let i = 0; i < share.length; i++) {
    if (share[i] > 0) for (let c = 0; c < 3; c++) best.ratio[3 * i + c] /= share[i];
  }
  return best;
}

/** The same of one photo, and how finely it shows each texel `[size, size]`: pixels per millimetre, across the surface. */
export function seenInScene(
  { meshes, pose, lighting, occlusion, crop, mask, camera, raster }: SeenScene,
  part: number,
  trust: ArrayLike<number> | undefined,
  albedo: Float32Array,
  size: number,
  geometry?: TexelGeometry,
) {
  const { rotation: r, translation: t } = pose;
  const eye = [0, 1, 2].map((j) => -(r[j] * t[0] + r[3 + j] * t[1] + r[6 + j] * t[2]));
  const texels = geometry ?? texelGeometry(facingTriangles(meshes[part], eye), size);
  const { positions, normals, shadingNormals } = texels;
  const lost = occlusion && part === 0 ? createTexelLookUp(texels, hiddenLight(occlusion, lighting)) : undefined;
  const ratio = new Float32Array(3 * size * size);
  const weight = new Float32Array(size * size);
  const detail = new Float32Array(size * size);
  const y = new Float64Array(9);
  const colour = new Float64Array(3);
  const person = new Float64Array(1);
  const hidden = new Float64Array(3);
  for (let i = 0; i < size * size; i++) {
    const px = positions[3 * i];
    if (Number.isNaN(px)) continue;
    const py = positions[3 * i + 1];
    const pz = positions[3 * i + 2];
    const nx = normals[3 * i];
    const ny = normals[3 * i + 1];
    const nz = normals[3 * i + 2];
    const vx = eye[0] - px;
    const vy = eye[1] - py;
    const vz = eye[2] - pz;
    const facing = (nx * vx + ny * vy + nz * vz) / Math.sqrt(vx * vx + vy * vy + vz * vz);
    const seen = smoothstep(GRAZING[0], GRAZING[1], facing);
    if (seen <= 0) continue;
    const depth = -(r[6] * px + r[7] * py + r[8] * pz + t[2]);
    const x2 = camera.principalPointPx[0] + (camera.focalLengthPx * (r[0] * px + r[1] * py + r[2] * pz + t[0])) / depth;
    const y2 = camera.principalPointPx[1] - (camera.focalLengthPx * (r[3] * px + r[4] * py + r[5] * pz + t[1])) / depth;
    if (!isVisible(raster, x2, y2, depth, VISIBILITY_TOLERANCE)) continue;
    lookUpSharp(crop, x2, y2, colour);
    lookUp(mask, x2, y2, person);
    sphericalHarmonics(shadingNormals[3 * i], shadingNormals[3 * i + 1], shadingNormals[3 * i + 2], y);
    lost?.(i, hidden);
    let sum = 0;
    let squares = 0;
    for (let c = 0; c < 3; c++) {
      let light = -hidden[c];
      for (let k = 0; k < 9; k++) light += lighting[3 * k + c] * y[k];
      const k = Math.log(
        (colour[c] + LIGHT_FLOOR / 8) / Math.max(LEAST_SHADING, light) / Math.max(albedo[3 * i + c], 1e-3),
      );
      ratio[3 * i + c] = Math.min(RATIO_LIMITS[1], Math.max(RATIO_LIMITS[0], k));
      sum += k;
      squares += k * k;
    }
    const foreign = (sum / 3 / FOREIGN.brightness) ** 2 + (squares - sum ** 2 / 3) / FOREIGN.colour ** 2;
    // Even on the face the background is none: where the avatar is wider than the person, it shows beside the cheek.
    // Where the face turns away, a fit that is a little too wide already shows what is behind: there colour has to agree.
    const turned = smoothstep(TURNED[0], TURNED[1], facing);
    const known = trust ? (trust[i] / 255) * smoothstep(0.2, 0.6, person[0]) * turned : 1;
    const doubted = known < 1 ? (1 - known) * Math.exp(-foreign / 2) * smoothstep(0.4, 0.8, person[0]) : 0;
    weight[i] = seen * (known + doubted);
    detail[i] = (camera.focalLengthPx / depth / 1000) * facing;
  }
  return { ratio, weight, detail };
}

/**
 * What the scene's light does on its skin that its harmonics do not say of the normals, `[SHADE_SIZE, SHADE_SIZE, 3]`: what the head hides, and what was left unexplained. The photo is albedo times the
 * harmonics' shading times this.
 */
export function shadeOfScene({ meshes, lighting, occlusion }: Scene, unexplained?: Float32Array): Float32Array {
  const texels = texelGeometry(meshes[0], SHADE_SIZE);
  const { positions, shadingNormals } = texels;
  const lost = occlusion && createTexelLookUp(texels, hiddenLight(occlusion, lighting));
  const out = new Float32Array(3 * SHADE_SIZE * SHADE_SIZE).fill(1);
  const y = new Float64Array(9);
  const hidden = new Float64Array(3);
  for (let i = 0; i < SHADE_SIZE * SHADE_SIZE; i++) {
    if (Number.isNaN(positions[3 * i])) continue;
    sphericalHarmonics(shadingNormals[3 * i], shadingNormals[3 * i + 1], shadingNormals[3 * i + 2], y);
    lost?.(i, hidden);
    const further = unexplained ? Math.exp(unexplained[i]) : 1;
    for (let c = 0; c < 3; c++) {
      let open = 0;
      for (let k = 0; k < 9; k++) open += lighting[3 * k + c] * y[k];
      out[3 * i + c] = (further * Math.max(LEAST_SHADING, open - hidden[c])) / Math.max(LEAST_SHADING, open);
    }
  }
  return out;
}

/** The mesh without the triangles that face away from a place at all three corners, of which nothing is seen: half of a head. */
function facingTriangles(mesh: PartMesh, eye: readonly number[]): PartMesh {
  const { positions, normals } = mesh;
  const ex = eye[0];
  const ey = eye[1];
  const ez = eye[2];
  const faces = new Uint8Array(positions.length / 3);
  for (let n = 0, i = 0; n < faces.length; n++, i += 3) {
    const along =
      normals[i] * (ex - positions[i]) +
      normals[i + 1] * (ey - positions[i + 1]) +
      normals[i + 2] * (ez - positions[i + 2]);
    if (along > 0) faces[n] = 1;
  }
  return keepTriangles(mesh, faces);
}

/** The mesh without the triangles of which no corner is marked, `[V]`. */
function keepTriangles(mesh: PartMesh, marks: Uint8Array): PartMesh {
  const { indices } = mesh;
  const kept = new Uint32Array(indices.length);
  let count = 0;
  for (let k = 0; k < indices.length; k += 3) {
    if (!(marks[indices[k]] || marks[indices[k + 1]] || marks[indices[k + 2]])) continue;
    kept[count++] = indices[k];
    kept[count++] = indices[k + 1];
    kept[count++] = indices[k + 2];
  }
  return { ...mesh, indices: kept.subarray(0, count) };
}

function smoothstep(from: number, to: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

/** The surface at all texels, interpolated on the mesh. */
export interface TexelGeometry {
  /** `[size * size, 3]`, NaN outside the chart. */
  positions: Float32Array;
  /** `[size * size, 3]` unit length. */
  normals: Float32Array;
  /** `[size * size, 3]` the normals as the mesh's normal map turns them; the same where there is none. */
  shadingNormals: Float32Array;
  /** Which triangle each texel is on, and where in it. */
  raster: ChartRaster;
  /** `[F, 3]` the mesh's triangles. */
  indices: Uint32Array;
}

/** A function that puts what a mesh's vertices have, `[V, 3]`, interpolated at a texel of the chart, into `out` `[3]`. */
export function createTexelLookUp({ raster, indices }: TexelGeometry, values: Float32Array) {
  const { triangle, barycentrics } = raster;
  return (texel: number, out: Float64Array): void => {
    const corner = 3 * triangle[texel];
    const a = 3 * indices[corner];
    const b = 3 * indices[corner + 1];
    const c = 3 * indices[corner + 2];
    const u = barycentrics[3 * texel];
    const v = barycentrics[3 * texel + 1];
    const w = barycentrics[3 * texel + 2];
    for (let k = 0; k < 3; k++) out[k] = u * values[a + k] + v * values[b + k] + w * values[c + k];
  };
}

/** The mesh, drawn as its chart. */
export function texelGeometry(mesh: PartMesh, size: number): TexelGeometry {
  const { raster, ...drawn } = drawChart(mesh, size);
  const shadingNormals = mesh.normalMap ? bentNormals(mesh, drawn.normals, raster) : drawn.normals;
  return { ...drawn, shadingNormals, raster, indices: mesh.indices };
}

/** Tangents `[size * size, 4]` as `computeTangents`, at all texels: a corner's, aligned with the normal there; it turns little within a triangle. */
export function texelTangents(mesh: PartMesh, normals: Float32Array, { part, triangle }: ChartRaster): Float32Array {
  const corners = computeTangents(mesh);
  const out = new Float32Array(4 * part.length);
  const normal = new Float64Array(3);
  const tangent = new Float64Array(4);
  for (let i = 0; i < part.length; i++) {
    if (part[i] < 0) continue;
    const corner = mesh.indices[3 * triangle[i]];
    for (let c = 0; c < 3; c++) normal[c] = normals[3 * i + c];
    for (let c = 0; c < 4; c++) tangent[c] = corners[4 * corner + c];
    alignTangent(normal, tangent);
    out.set(tangent, 4 * i);
  }
  return out;
}

/** The normals `[size * size, 3]` as the mesh's normal map turns them. */
function bentNormals(mesh: PartMesh, normals: Float32Array, raster: ChartRaster): Float32Array {
  const { width, height } = mesh.normalMap!;
  const relief = { data: decodeNormalMap(mesh.normalMap!), channels: 3, width, height };
  const tangents = texelTangents(mesh, normals, raster);
  const { part, width: size } = raster;
  const out = new Float32Array(normals.length);
  const normal = new Float64Array(3);
  const tangent = new Float64Array(4);
  const detail = new Float64Array(3);
  for (let i = 0; i < part.length; i++) {
    if (part[i] < 0) continue;
    lookUp(relief, (((i % size) + 0.5) / size) * width, ((Math.floor(i / size) + 0.5) / size) * height, detail);
    for (let c = 0; c < 3; c++) normal[c] = normals[3 * i + c];
    for (let c = 0; c < 4; c++) tangent[c] = tangents[4 * i + c];
    bendNormal(normal, tangent, detail);
    out.set(normal, 3 * i);
  }
  return out;
}
