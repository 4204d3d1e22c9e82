import {
  type LoadNetworkOptions,
  loadNetwork,
  type Manifest,
  type Network,
  type NetworkTensors,
  type RunBatchedOptions,
} from '@implicit-faces/runtime';
import { type Codes, checkCode, checkCodes } from '@implicit-faces/sdf-core';
import { FaceError } from './errors.js';
import { loadTopology, type Topology } from './topology.js';

export interface LoadUvModelOptions extends Omit<LoadNetworkOptions, 'manifest' | 'name'> {
  manifest: Manifest;
}

/** A place on a chart per point. */
export interface SurfaceUv {
  /** `[N, 2]`, in the chart's unit square. */
  uv: Float32Array;
  /** `[N]` which chart: the number of the part that is nearest, 0 for the skin. */
  chart: Uint8Array;
}

export interface SurfaceJacobian {
  /** `[N, 3]`, posed space, metres. */
  points: Float32Array;
  /** `[N, 3, Dg + De]`, metres per unit of each code, geometry first. */
  jacobian: Float32Array;
}

/** The gradients of `sum over places of cotangent . point`. */
export interface SurfaceVjp {
  /** `[N, 3]`, posed space, metres. */
  points: Float32Array;
  /** `[N, 2]` */
  gradUv: Float32Array;
  /** `[Dg]` */
  gradGeometry: Float32Array;
  /** `[De]` */
  gradExpression: Float32Array;
}

/** The gradient of `sum over places of cotangent . albedo`. */
export interface AlbedoVjp {
  /** `[N, 3]`, linear RGB. */
  albedo: Float32Array;
  /** `[Dt]` */
  gradTexture: Float32Array;
}

/** Albedo as optical density, which is linear in the texture code: albedo = min(1, exp(-(density + basis . texture))). */
export interface DensityBasis {
  /** `[N, 3]` -ln(albedo) at the code zero. */
  density: Float32Array;
  /** `[N, 3, Dt]` its growth with each code. */
  basis: Float32Array;
}

/**
 * The networks between surface and chart: g (point to UV), its inverse on the skin, and the albedo h. Points are `[N, 3]` in posed space, metres;
 * UV `[N, 2]`, v down. Every method splits its input into batches that suit ONNX Runtime, and throws FaceError `SHAPE` for arrays of the wrong
 * length, `RANGE` for numbers that are not finite and `CODES` for codes of another model. Those that give one array write to `out`, if given.
 */
export interface UvModel {
  readonly manifest: Manifest;
  readonly topology: Topology;

  /** g: which chart a point near the surface belongs to, and where it is on it. */
  uvFromSurface(points: Float32Array, codes: Codes): Promise<SurfaceUv>;

  /** The inverse of g on the skin's chart. @returns `[N, 3]`, metres. */
  surfaceFromUv(uv: Float32Array, codes: Codes, out?: Float32Array): Promise<Float32Array>;

  /** `surfaceFromUv` and how each place moves with each code; the network is linear in the codes, so this holds for any step. */
  surfaceJacobian(uv: Float32Array, codes: Codes): Promise<SurfaceJacobian>;

  /** `surfaceFromUv` and the gradients of `sum of cotangent . point`. @param cotangent - `[N, 3]` */
  surfaceVjp(uv: Float32Array, codes: Codes, cotangent: Float32Array): Promise<SurfaceVjp>;

  /**
   * h: the skin's albedo.
   *
   * @param texture - `[Dt]`, prior N(0, 1).
   * @param expression - `[De]`
   * @returns `[N, 3]`, linear RGB, 0 to 1.
   */
  albedo(
    uv: Float32Array,
    texture: Float32Array,
    expression: Float32Array,
    out?: Float32Array,
    options?: { signal?: AbortSignal; onProgress?: (share: number) => void },
  ): Promise<Float32Array>;

  /** `albedo` and the gradient of `sum of cotangent . albedo` by the texture code. @param cotangent - `[N, 3]` */
  albedoVjp(
    uv: Float32Array,
    texture: Float32Array,
    expression: Float32Array,
    cotangent: Float32Array,
  ): Promise<AlbedoVjp>;

  /**
   * What h makes of every texture code at once. A model with the network `colourBasis` is asked once; another one code after the other, which is some hundred times slower.
   */
  densityBasis(
    uv: Float32Array,
    options?: { signal?: AbortSignal; onProgress?: (share: number) => void },
  ): Promise<DensityBasis>;

  /** How parts 1 to P - 1 are moved. @returns `[P - 1, 3, 4]`, posed from template, row-major, metres. */
  partTransforms(codes: Codes): Promise<Float32Array>;

  /** Frees the networks. The model cannot be used any more. */
  dispose(): Promise<void>;
}

const NETWORKS = [
  'uv',
  'inverseUv',
  'inverseUvJacobian',
  'inverseUvVjp',
  'colour',
  'colourVjp',
  'partTransforms',
] as const;

/** Models from before it was exported have none. */
const COLOUR_BASIS = 'colourBasis';
/** A step of a code that is small enough not to reach white, where h clamps; and the darkest albedo that counts. */
const CODE_STEP = 0.25;
const DARKEST = 1e-4;

/**
 * Loads a model's UV and colour networks and its topology.
 *
 * @throws FaceError as `loadNetwork` and `loadTensors` of `@implicit-faces/runtime` do, naming the file that is missing or does not match.
 * @example
 * const uv = await loadUvModel({ ort, files: urlFiles(base), manifest });
 * const nose = await uv.surfaceFromUv(new Float32Array([0.5, 0.5]), codes);
 */
export async function loadUvModel(options: LoadUvModelOptions): Promise<UvModel> {
  const { manifest } = options;
  const topology = await loadTopology(options);
  const networks = {} as Record<(typeof NETWORKS)[number], Network> & { [COLOUR_BASIS]?: Network };
  const dispose = async () => {
    await Promise.all(Object.values(networks).map((network) => network.dispose()));
  };
  try {
    for (const name of NETWORKS) networks[name] = await loadNetwork({ ...options, name });
    if (Object.hasOwn(manifest.networks, COLOUR_BASIS)) {
      networks[COLOUR_BASIS] = await loadNetwork({ ...options, name: COLOUR_BASIS });
    }
  } catch (error) {
    await dispose();
    throw error;
  }

  const withCodes = (who: string, key: 'points' | 'uv', values: Float32Array, codes: Codes): NetworkTensors => {
    checkCodes(manifest, codes, who);
    return { [key]: rows(who, key, values, key === 'uv' ? 2 : 3), ...codeFeeds(codes) };
  };
  const withTexture = (who: string, uv: Float32Array, texture: Float32Array, expression: Float32Array) => {
    checkCode(manifest, 'texture', texture, who);
    checkCode(manifest, 'expression', expression, who);
    return { uv: rows(who, 'uv', uv, 2), texture: vector(texture), expression: vector(expression) };
  };
  const cotangentRows = (who: string, cotangent: Float32Array, uv: Float32Array) => {
    const tensor = rows(who, 'cotangent', cotangent, 3);
    if (tensor.dims[0] * 2 !== uv.length) {
      throw new FaceError('SHAPE', `${who}: cotangent should be [${uv.length / 2}, 3]; received [${tensor.dims}].`);
    }
    return tensor;
  };
  const run = (name: (typeof NETWORKS)[number], feeds: NetworkTensors, settings?: RunBatchedOptions) =>
    networks[name].runBatched(feeds, settings);

  return {
    manifest,
    topology,
    async uvFromSurface(points, codes) {
      const { uv, chart } = await run('uv', withCodes('uvFromSurface', 'points', points, codes));
      return { uv: uv.data, chart: Uint8Array.from(chart.data, Math.round) };
    },
    async surfaceFromUv(uv, codes, out) {
      const { points } = await run('inverseUv', withCodes('surfaceFromUv', 'uv', uv, codes));
      return into('surfaceFromUv', points.data, out);
    },
    async surfaceJacobian(uv, codes) {
      const { points, jacobian } = await run('inverseUvJacobian', withCodes('surfaceJacobian', 'uv', uv, codes));
      return { points: points.data, jacobian: jacobian.data };
    },
    async surfaceVjp(uv, codes, cotangent) {
      const feeds = withCodes('surfaceVjp', 'uv', uv, codes);
      const outputs = await run('inverseUvVjp', { ...feeds, cotangent: cotangentRows('surfaceVjp', cotangent, uv) });
      return {
        points: outputs.points.data,
        gradUv: outputs.gradUv.data,
        gradGeometry: outputs.gradGeometry.data,
        gradExpression: outputs.gradExpression.data,
      };
    },
    async albedo(uv, texture, expression, out, settings) {
      const { albedo } = await run('colour', withTexture('albedo', uv, texture, expression), settings);
      return into('albedo', albedo.data, out);
    },
    async albedoVjp(uv, texture, expression, cotangent) {
      const feeds = withTexture('albedoVjp', uv, texture, expression);
      const outputs = await run('colourVjp', { ...feeds, cotangent: cotangentRows('albedoVjp', cotangent, uv) });
      return { albedo: outputs.albedo.data, gradTexture: outputs.gradTexture.data };
    },
    async densityBasis(uv, settings = {}) {
      const feeds = { uv: rows('densityBasis', 'uv', uv, 2) };
      if (!networks[COLOUR_BASIS]) {
        const expression = new Float32Array(manifest.codes.expression);
        const albedo = async (code: Float32Array) =>
          (await run('colour', withTexture('densityBasis', uv, code, expression))).albedo.data;
        return measureDensityBasis(albedo, manifest.codes.texture, settings);
      }
      const { density, basis } = await networks[COLOUR_BASIS].runBatched(feeds, settings);
      return { density: density.data, basis: basis.data };
    },
    async partTransforms(codes) {
      checkCodes(manifest, codes, 'partTransforms');
      const { transforms } = await networks.partTransforms.run(codeFeeds(codes));
      return transforms.data;
    },
    dispose,
  };
}

/** The basis by one run of h per code. */
async function measureDensityBasis(
  albedo: (code: Float32Array) => Promise<Float32Array>,
  codeSize: number,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (share: number) => void },
): Promise<DensityBasis> {
  const code = new Float32Array(codeSize);
  const measure = async () => (await albedo(code)).map((a) => -Math.log(Math.max(a, DARKEST)));
  const density = await measure();
  const basis = new Float32Array(density.length * codeSize);
  for (let k = 0; k < codeSize; k++) {
    signal?.throwIfAborted();
    code[k] = CODE_STEP;
    const moved = await measure();
    code[k] = 0;
    for (let i = 0; i < density.length; i++) basis[i * codeSize + k] = (moved[i] - density[i]) / CODE_STEP;
    onProgress?.((k + 1) / codeSize);
  }
  return { density, basis };
}

function codeFeeds({ geometry, expression }: Codes): NetworkTensors {
  return { geometry: vector(geometry), expression: vector(expression) };
}

function vector(data: Float32Array) {
  return { data, dims: [data.length] };
}

/** `[N, size]` numbers as a tensor, once they are found to be that and finite. */
function rows(who: string, name: string, data: Float32Array, size: number) {
  if (!(data instanceof Float32Array) || data.length % size !== 0) {
    const received = data instanceof Float32Array ? `${data.length} numbers` : typeof data;
    throw new FaceError(
      'SHAPE',
      `${who}: ${name} should be a Float32Array [N, ${size}]; received ${received}. Pass whole rows.`,
    );
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new FaceError(
      'RANGE',
      `${who}: ${name} should be finite; received ${data[bad]} at ${bad}. Drop or repair it first.`,
    );
  }
  return { data, dims: [data.length / size, size] };
}

function into(who: string, values: Float32Array, out: Float32Array | undefined): Float32Array {
  if (!out) return values;
  if (out.length !== values.length) {
    throw new FaceError('SHAPE', `${who}: out should have ${values.length} numbers; received ${out.length}.`);
  }
  out.set(values);
  return out;
}
