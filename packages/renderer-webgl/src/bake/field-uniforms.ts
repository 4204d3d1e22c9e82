import { computePartUniforms } from './baked-field.js';
import type { PosedBake, StaticBake } from './baker.js';
import { assembleProxy, type ProxyGeometry, type ProxyParts } from './proxy-mesh.js';

/** Uniforms of a baked field (shaders/chunks/field.glsl and .wgsl) by name: components of one, and the numbers of all in a row. */
export type FieldUniforms = Readonly<Record<string, readonly [components: 1 | 3 | 4, values: Float32Array]>>;

/** What is the same for every face. */
export function fixedUniforms({ template, mouthBoxes, parts }: StaticBake) {
  const each = <T>(list: readonly T[], numbers: (item: T, i: number) => Iterable<number>) =>
    Float32Array.from(list.flatMap((item, i) => [...numbers(item, i)]));
  return {
    sheetOrigin: [3, each(template.sheets, (s) => s.origin)],
    sheetSize: [3, each(template.sheets, (s) => s.size)],
    sheetLayer: [1, each(template.sheets, (s) => [s.layer])],
    brickEdge: [1, Float32Array.of(template.edge)],
    brickRange: [1, Float32Array.of(template.range)],
    brickTexel: [3, Float32Array.from(template.fieldSize, (n) => 1 / n)],
    mouthLow: [4, each(mouthBoxes, (box, i) => [...box.min, parts.grids[i].layer])],
    gridOrigin: [3, each(parts.grids, (g) => g.origin)],
    gridPerMetre: [1, Float32Array.of(1 / parts.grids[0].step)],
  } as const satisfies FieldUniforms;
}

/** What of a bake is the same in every frame. */
export function poseUniforms(fixed: StaticBake, { volume, partTransforms, bounds }: PosedBake) {
  const { blocks } = volume;
  const list = (numbers: (b: (typeof blocks)[number]) => readonly number[]) =>
    Float32Array.from(blocks.flatMap((b) => [...numbers(b)]));
  const parts = computePartUniforms(fixed, partTransforms);
  return {
    blockOrigin: [3, list((b) => b.origin)],
    blockLast: [3, list((b) => b.size.map((n) => n - 1))],
    blockPerMetre: [1, list((b) => [1 / b.step])],
    // Of a sample's middle.
    blockOffset: [3, list((b) => b.offset.map((n) => n + 0.5))],
    deformationTexel: [3, Float32Array.from(volume.size, (n) => 1 / n)],
    eyeRows: [4, parts.templateFromPosed.subarray(0, 24)],
    mouthRows: [4, parts.templateFromPosed.subarray(24)],
    eyeShape: [3, Float32Array.from(fixed.eyes.flatMap((eye, e) => [eye.radius, eye.bulge, parts.scales[e]]))],
    mouthHigh: [4, Float32Array.from(fixed.mouthBoxes.flatMap((box, i) => [...box.max, parts.scales[2 + i]]))],
    mouthMin: [3, parts.mouthMin],
    mouthMax: [3, parts.mouthMax],
    boundsMin: [3, bounds.min],
    boundsMax: [3, bounds.max],
  } as const satisfies FieldUniforms;
}

/** What a bake's rays begin at. @param parts - of `partProxies`. */
export function proxyOfBake(fixed: StaticBake, parts: readonly ProxyGeometry[], bake: PosedBake): ProxyParts {
  const { templateFromPosed, mouthMin, mouthMax } = computePartUniforms(fixed, bake.partTransforms);
  const eyeRadii = fixed.eyes.map(({ radius, bulge }) => Math.max(radius, bulge));
  const places = { eyeRows: templateFromPosed, eyeRadii, mouthMin, mouthMax };
  return assembleProxy(bake.proxy, bake.volume, places, parts, bake.partTransforms);
}

/** The pixels that bounds cover, `[x, y, width, height]`, begun on a multiple of `grain`; all of the viewport's where a corner lies behind the eye. */
export function coveredRectangle(
  clipFromAvatar: ArrayLike<number>,
  { min, max }: PosedBake['bounds'],
  [width, height]: readonly [number, number],
  grain: number,
): [number, number, number, number] {
  const m = clipFromAvatar;
  const [low, high] = [
    [width, height],
    [0, 0],
  ];
  for (let corner = 0; corner < 8; corner++) {
    const [x, y, z] = [0, 1, 2].map((k) => ((corner >> k) & 1 ? max[k] : min[k]));
    const row = (k: number) => m[k] * x + m[4 + k] * y + m[8 + k] * z + m[12 + k];
    if (!(row(3) > 0)) return [0, 0, width, height];
    [width, height].forEach((size, k) => {
      const pixel = (0.5 + (0.5 * row(k)) / row(3)) * size;
      low[k] = Math.min(low[k], pixel);
      high[k] = Math.max(high[k], pixel);
    });
  }
  const first = low.map((x) => Math.max(Math.floor(x / grain) * grain, 0));
  const end = high.map((x, k) => Math.min(Math.ceil(x), [width, height][k]));
  return [first[0], first[1], Math.max(end[0] - first[0], 0), Math.max(end[1] - first[1], 0)];
}

/** Whether a corner of the bounds lies before the near plane. @param nearDepth - of that plane in clip space, -1 with WebGL, 0 with WebGPU. */
export function isCutByNear(
  clipFromAvatar: ArrayLike<number>,
  { min, max }: PosedBake['bounds'],
  nearDepth: -1 | 0,
): boolean {
  const m = clipFromAvatar;
  for (let corner = 0; corner < 8; corner++) {
    const [x, y, z] = [0, 1, 2].map((k) => ((corner >> k) & 1 ? max[k] : min[k]));
    const row = (k: number) => m[k] * x + m[4 + k] * y + m[8 + k] * z + m[12 + k];
    if (row(2) < nearDepth * row(3)) return true;
  }
  return false;
}
