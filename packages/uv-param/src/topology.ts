import { type Files, loadTensors, type Manifest, type Tensor, takeTensor } from '@implicit-faces/runtime';
import { FaceError } from './errors.js';

/** A square of bytes over the skin's chart: row 0 is at v = 0. */
export interface ChartMap {
  /** `[size, size]` */
  data: Uint8Array;
  size: number;
}

/** The skin's triangulation of its chart. Its vertices' places are `surfaceFromUv(uv, codes)`. */
export interface SkinTopology {
  /** `[V, 2]` */
  uv: Float32Array;
  /** `[F, 3]`, counter-clockwise from outside. */
  triangles: Uint32Array;
}

/** A part that moves by itself: an eye, a row of teeth with its gum, the tongue. */
export interface PartTopology {
  name: string;
  /** `[V, 3]`, template space, metres; `partTransforms` poses them. */
  positions: Float32Array;
  /** `[V, 2]`, the part's own chart. */
  uv: Float32Array;
  /** `[F, 3]`, counter-clockwise from outside. */
  triangles: Uint32Array;
  /** `[size, size, 3]`, sRGB. */
  texture: { data: Uint8Array; size: number };
}

/**
 * What skins people have: a class c is drawn by its share, then code = means[c] + sigmas * z + factors[c]^T y with z and y of N(0, 1). A photo is fitted with the wider prior N(0, 1) for every code.
 */
export interface TexturePrior {
  /** `[C]`, sum 1. */
  shares: Float32Array;
  /** `[C, Dt]` */
  means: Float32Array;
  /** `[Dt]` */
  sigmas: Float32Array;
  /** `[C, K, Dt]` */
  factors: Float32Array;
}

/** The fixed things of a model: meshes, landmark places, masks and the rig. */
export interface Topology {
  skin: SkinTopology;
  /** Parts 1 to P - 1, in the manifest's order. */
  parts: PartTopology[];
  /** Places of the landmarks on the skin's chart, `[L, 2]`: iBUG's 68 and MediaPipe's 468. */
  landmarks: { 68: Float32Array; 468: Float32Array };
  /** Places of the chart where a second look by the encoder wants to know the face that the first one answered: its landmarks, `[468, 2]`, and a grid about the head, `[G, G, 2]`. Models without one have none. */
  encoder?: { landmarks: Float32Array; grid: Float32Array };
  /** 255 on the face: no scalp, ears, neck, mouth bag or eye sockets. */
  faceMask: ChartMap;
  /** One of `REGIONS` per texel. */
  regions: ChartMap;
  /** `[De, 52]`: `expression = matrix * arkitWeights`. */
  rig: { matrix: Float32Array };
  /** For drawing new faces; models before it was known have none. */
  texturePrior?: TexturePrior;
}

/** What a texel of `Topology.regions` says. */
export const REGIONS = {
  otherSkin: 0,
  lips: 1,
  brows: 2,
  scalp: 3,
  ears: 4,
  neck: 5,
  mouthBag: 6,
  eyeSockets: 7,
  face: 8,
} as const;

/**
 * Loads a model's topology.
 *
 * @throws FaceError `TENSORS`, naming the tensor that is missing, of another shape, or refers to vertices that are not there.
 */
export async function loadTopology(options: {
  files: Files;
  manifest: Manifest;
  signal?: AbortSignal;
}): Promise<Topology> {
  const { files, manifest, signal } = options;
  const tensors = await loadTensors(files, manifest, 'topology', { signal });
  const mesh = (name: string) => {
    const uv = takeTensor(tensors, `${name}.uv`, 'F32', ['V', 2]);
    const triangles = takeTensor(tensors, `${name}.triangles`, 'U32', ['F', 3]).data;
    const vertices = uv.dims[0];
    const stray = triangles.find((vertex) => vertex >= vertices);
    if (stray !== undefined) {
      throw new FaceError(
        'TENSORS',
        `loadTopology: ${name}.triangles should name vertices below ${vertices}; received ${stray}. The file is of another model or version.`,
      );
    }
    return { uv: uv.data, triangles, vertices };
  };
  const landmarks = (count: 68 | 468) => takeTensor(tensors, `landmarks${count}.uv`, 'F32', [count, 2]).data;
  const { uv, triangles } = mesh('skin');
  const texturePrior = 'texturePrior.shares' in tensors ? takeTexturePrior(tensors, manifest.codes.texture) : undefined;
  const encoder = 'encoder.grid' in tensors && {
    landmarks: takeTensor(tensors, 'encoder.landmarks', 'F32', [468, 2]).data,
    grid: takeTensor(tensors, 'encoder.grid', 'F32', ['G', 'G', 2]).data,
  };
  return {
    ...(texturePrior && { texturePrior }),
    ...(encoder && { encoder }),
    skin: { uv, triangles },
    parts: manifest.parts.slice(1).map((name) => {
      const { vertices, ...part } = mesh(name);
      const positions = takeTensor(tensors, `${name}.positions`, 'F32', [vertices, 3]).data;
      const { data, size } = square(tensors, `${name}.texture`, [3]);
      return { name, positions, ...part, texture: { data, size } };
    }),
    landmarks: { 68: landmarks(68), 468: landmarks(468) },
    faceMask: square(tensors, 'faceMask', []),
    regions: square(tensors, 'regions', []),
    rig: {
      matrix: takeTensor(tensors, 'rig.matrix', 'F32', [manifest.codes.expression, manifest.arkitNames.length]).data,
    },
  };
}

/**
 * The byte of a chart map at each place: the nearest texel's, or the border's outside.
 *
 * @param uv - `[N, 2]`
 * @returns `[N]`
 */
export function sampleChartMap({ data, size }: ChartMap, uv: Float32Array): Uint8Array {
  // A plain loop: `from` with a function takes ten times as long, and textures have millions of places.
  const out = new Uint8Array(uv.length / 2);
  for (let i = 0; i < out.length; i++) {
    const x = Math.min(Math.max(Math.floor(uv[2 * i] * size), 0), size - 1);
    const y = Math.min(Math.max(Math.floor(uv[2 * i + 1] * size), 0), size - 1);
    out[i] = data[y * size + x];
  }
  return out;
}

/**
 * The same at the centres of `size` times `size` texels, row by row: `sampleChartMap(map, texelCentres(size))`, without the centres.
 *
 * @returns `[size * size]`
 */
export function resampleChartMap({ data, size: from }: ChartMap, size: number): Uint8Array {
  const out = new Uint8Array(size * size);
  // The same numbers as the centres', which are of single precision.
  const place = (i: number) => Math.floor(Math.fround((i + 0.5) / size) * from);
  const columns = Int32Array.from({ length: size }, (_, x) => place(x));
  for (let y = 0; y < size; y++) {
    const row = place(y) * from;
    for (let x = 0; x < size; x++) out[y * size + x] = data[row + columns[x]];
  }
  return out;
}

function takeTexturePrior(tensors: Record<string, Tensor>, codeSize: number): TexturePrior {
  const take = (name: string, dims: (number | string)[]) =>
    takeTensor(tensors, `texturePrior.${name}`, 'F32', dims).data;
  const shares = take('shares', ['C']);
  const classes = shares.length;
  return {
    shares,
    means: take('means', [classes, codeSize]),
    sigmas: take('sigmas', [codeSize]),
    factors: take('factors', [classes, 'K', codeSize]),
  };
}

function square(tensors: Record<string, Tensor>, name: string, rest: number[]): ChartMap {
  const { data, dims } = takeTensor(tensors, name, 'U8', ['R', 'R', ...rest]);
  if (dims[0] !== dims[1]) {
    throw new FaceError('TENSORS', `loadTopology: ${name} should be square; received [${dims}].`);
  }
  return { data, size: dims[0] };
}
