import { mergeOptions } from '@implicit-faces/runtime';
import { LINEAR_FROM_SRGB_BYTE, srgbByteFromLinear } from '@implicit-faces/uv-param';
import { cropCamera } from '../camera.js';
import { FaceError } from '../errors.js';
import { clayShading, sphericalHarmonicsShading, type VertexLight } from '../lighting.js';
import type { Camera, Lighting, PartMesh, RgbaImage } from '../types.js';
import { createMipmaps, type Mipmaps } from './mipmaps.js';
import { hiddenLight } from './occlusion.js';
import { createRaster, type Raster, rasterize } from './rasterize.js';
import { computeTexelDensities, createRelief, type Material, shade } from './shade.js';

export interface RenderOptions {
  width: number;
  height: number;
  /** An sRGB colour, or a picture of the same size to draw over; transparent when absent. */
  background?: readonly [number, number, number] | RgbaImage;
  /** What the meshes hide of `lighting`, `[V, 9]` per mesh, from `computeOcclusion`; without it light reaches everything that faces it. */
  occlusion?: readonly Float32Array[];
  /** Takes the place of `lighting`, one per mesh. */
  vertexLight?: readonly VertexLight[];
  /** Grey material under light made for looking at shape, instead of texture and lighting. */
  clay?: boolean;
  /** Samples along each side of a pixel. */
  supersample?: number;
  /** Those of the meshes' images, in order, when several pictures are drawn of the same textures. */
  mipmaps?: readonly Mipmaps[];
  /** The model's face mask in the skin's chart; fills `face`. */
  faceMask?: { data: Uint8Array; width: number; height: number };
}

export const RENDER_DEFAULTS = { clay: false, supersample: 2 };

/** A picture of an avatar. */
export interface Rendering extends RgbaImage {
  /** `[H, W]` 255 where the avatar covers at least half of the pixel, else 0. */
  mask: Uint8Array;
  /** `[H, W]` 255 where the face region covers at least half of the pixel, else 0. Only with the option `faceMask`. */
  face?: Uint8Array;
}

/** A grey that neither burns out under the key nor drowns in the shadow. */
const CLAY_ALBEDO = 0.6;
/** Bounds the working memory: larger pictures are drawn in bands. */
const SAMPLES_PER_BAND = 1 << 18;

/**
 * Draws the avatar: texture times shading, in linear light, with antialiased edges.
 *
 * @param lighting - see docs/conventions.md; not used for clay.
 * @returns sRGB. Without a background alpha is the coverage, and colours are not multiplied by it.
 * @throws FaceError `SHAPE` when the background picture has another size.
 */
export function renderAvatar(
  meshes: readonly PartMesh[],
  camera: Camera,
  lighting: Lighting,
  options: RenderOptions,
): Rendering {
  const { width, height, background, faceMask, vertexLight } = options;
  const { clay, supersample } = mergeOptions(RENDER_DEFAULTS, { clay: options.clay, supersample: options.supersample });
  const data = backdrop(width, height, background);
  const mask = new Uint8Array(width * height);
  const face = faceMask && new Uint8Array(width * height);
  const reliefs = vertexLight && !clay ? undefined : meshes.map(createRelief);
  const material = { ...(clay ? { albedo: CLAY_ALBEDO } : textured(meshes, options.mipmaps)), reliefs };
  const light = clay ? clayShading(camera) : (vertexLight ?? sphericalHarmonicsShading(lighting));
  const isHarmonic = !clay && !vertexLight;
  const hidden = isHarmonic ? options.occlusion?.map((occlusion) => hiddenLight(occlusion, lighting)) : undefined;

  const bandRows = Math.min(height, Math.max(1, Math.floor(SAMPLES_PER_BAND / (width * supersample ** 2))));
  const raster = createRaster(width * supersample, bandRows * supersample);
  const colours = new Float32Array(3 * raster.part.length);
  for (let top = 0; top < height; top += bandRows) {
    const bandCamera = cropCamera(camera, 0, top, supersample);
    rasterize(meshes, bandCamera, { width: raster.width, height: raster.height }, raster);
    shade(raster, meshes, bandCamera.focalLengthPx, material, light, colours, hidden);
    const first = top * width;
    const last = Math.min(height, top + bandRows) * width;
    resolve(raster, colours, supersample, data.subarray(4 * first, 4 * last), mask.subarray(first, last));
    if (faceMask && face) markFace(raster, meshes, faceMask, supersample, face.subarray(first, last));
  }
  return { data, width, height, mask, ...(face ? { face } : {}) };
}

/** What the avatar is drawn over, sRGB; alpha 0 where nothing is. */
function backdrop(width: number, height: number, background: RenderOptions['background']): Uint8ClampedArray {
  const data = new Uint8ClampedArray(4 * width * height);
  if (!background) return data;
  if (!('data' in background)) {
    for (let i = 0; i < data.length; i++) data[i] = i % 4 === 3 ? 255 : background[i % 4];
    return data;
  }
  if (background.width !== width || background.height !== height) {
    const received = `${background.width}x${background.height}`;
    throw new FaceError(
      'SHAPE',
      `renderAvatar: the background should be ${width}x${height}; received ${received}. Resize it.`,
    );
  }
  data.set(background.data);
  return data;
}

function textured(
  meshes: readonly PartMesh[],
  mipmaps: readonly Mipmaps[] = meshes.map(({ image }) => createMipmaps(image)),
): Material {
  return { mipmaps, densities: meshes.map((mesh, i) => computeTexelDensities(mesh, mipmaps[i])) };
}

/** Averages each pixel's samples in linear light and blends them over what is in `data`. */
function resolve(
  raster: Raster,
  colours: Float32Array,
  supersample: number,
  data: Uint8ClampedArray,
  mask: Uint8Array,
): void {
  const width = raster.width / supersample;
  const samples = supersample ** 2;
  for (let pixel = 0; pixel < mask.length; pixel++) {
    const row = Math.floor(pixel / width);
    const corner = row * supersample * raster.width + (pixel - row * width) * supersample;
    let red = 0;
    let green = 0;
    let blue = 0;
    let covered = 0;
    for (let y = 0; y < supersample; y++) {
      for (let x = 0; x < supersample; x++) {
        const sample = corner + y * raster.width + x;
        if (raster.part[sample] < 0) continue;
        covered++;
        red += colours[3 * sample];
        green += colours[3 * sample + 1];
        blue += colours[3 * sample + 2];
      }
    }
    if (covered === 0) continue;
    const i = 4 * pixel;
    const behind = ((1 - covered / samples) * data[i + 3]) / 255;
    const front = 1 / (covered + behind * samples);
    const back = front * behind * samples;
    data[i] = srgbByteFromLinear(front * red + back * LINEAR_FROM_SRGB_BYTE[data[i]]);
    data[i + 1] = srgbByteFromLinear(front * green + back * LINEAR_FROM_SRGB_BYTE[data[i + 1]]);
    data[i + 2] = srgbByteFromLinear(front * blue + back * LINEAR_FROM_SRGB_BYTE[data[i + 2]]);
    data[i + 3] = 255 * (covered / samples + behind);
    if (covered * 2 >= samples) mask[pixel] = 255;
  }
}

/** Looks each of the skin's samples up in the face mask. */
function markFace(
  raster: Raster,
  meshes: readonly PartMesh[],
  faceMask: NonNullable<RenderOptions['faceMask']>,
  supersample: number,
  out: Uint8Array,
): void {
  const skin = meshes.findIndex(({ name }) => name === 'skin');
  const width = raster.width / supersample;
  const counts = new Uint16Array(out.length);
  for (let sample = 0; sample < raster.part.length; sample++) {
    if (skin < 0 || raster.part[sample] !== skin) continue;
    const { indices, uvs } = meshes[skin];
    let u = 0;
    let v = 0;
    for (let k = 0; k < 3; k++) {
      const vertex = indices[3 * raster.triangle[sample] + k];
      u += raster.barycentrics[3 * sample + k] * uvs[2 * vertex];
      v += raster.barycentrics[3 * sample + k] * uvs[2 * vertex + 1];
    }
    const x = Math.min(faceMask.width - 1, Math.max(0, Math.floor(u * faceMask.width)));
    const y = Math.min(faceMask.height - 1, Math.max(0, Math.floor(v * faceMask.height)));
    if (faceMask.data[y * faceMask.width + x] < 128) continue;
    const row = Math.floor(sample / raster.width / supersample);
    const column = Math.floor((sample % raster.width) / supersample);
    const pixel = row * width + column;
    if (pixel < out.length) counts[pixel]++;
  }
  counts.forEach((count, pixel) => {
    if (count * 2 >= supersample ** 2) out[pixel] = 255;
  });
}
