import type { Env, InferenceSession, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';
import { FaceError } from './errors.js';
import { type Files, readShared, readVerified } from './files.js';
import type { NetworkManifest, NetworkSpec, TensorSpec } from './manifest.js';
import { mergeOptions } from './options.js';
import { sizeOf } from './shapes.js';

/** The part of `onnxruntime-node` or `onnxruntime-web` that is used; pass the imported module itself. */
export interface OrtRuntime {
  InferenceSession: InferenceSessionFactory;
  Tensor: TensorConstructor;
  env: Env;
}

/** Where a network runs: the processor (WebAssembly in the browser), or a graphics card. */
export type Device = 'cpu' | 'webgpu';

/** Numbers in row-major order and the lengths of their axes, as a network takes and gives them. */
export interface NetworkTensor {
  data: Float32Array;
  dims: readonly number[];
}

export type NetworkTensors = Record<string, NetworkTensor>;

/** Tunables of `runBatched`. */
export interface RunBatchedOptions {
  /** Points per batch. Small batches are up to twice as fast as one huge one, because a layer's activations stay in the processor's cache. */
  batchSize?: number;
  signal?: AbortSignal;
  /** Called after each batch with the share that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

export const RUN_BATCHED_DEFAULTS = { batchSize: 8192 };

/** A loaded network. */
export interface Network {
  readonly name: string;
  readonly spec: NetworkSpec;

  /**
   * Runs once.
   *
   * @throws FaceError `SHAPE` when an input is missing, unknown, or does not fit the manifest.
   */
  run(feeds: NetworkTensors, options?: { signal?: AbortSignal }): Promise<NetworkTensors>;

  /**
   * Runs in batches along the axis that the manifest calls "N". Outputs with that axis are put together; the others are summed,
   * because what has no such axis in our networks is a vector-Jacobian product, which is a sum over points. Inputs without it go
   * to every batch.
   *
   * @throws FaceError `SHAPE` as `run` does, and when no input has the axis N.
   */
  runBatched(feeds: NetworkTensors, options?: RunBatchedOptions): Promise<NetworkTensors>;

  /** Frees the session. The network cannot run any more. */
  dispose(): Promise<void>;
}

export interface LoadNetworkOptions {
  /** The imported `onnxruntime-node` or `onnxruntime-web`. */
  ort: OrtRuntime;
  files: Files;
  manifest: NetworkManifest;
  /** A key of `manifest.networks`. */
  name: string;
  device?: Device;
  /** Threads within one run; ONNX Runtime's own choice when absent. In the browser set `ort.env.wasm.numThreads` instead. */
  threads?: number;
  signal?: AbortSignal;
}

/**
 * Loads one of a manifest's networks and checks the file and the session against the manifest.
 *
 * @throws FaceError `MANIFEST` for an unknown name; `FILE_READ`, `FILE_SIZE`, `FILE_HASH` for the file or the weights that it shares with others; `NETWORK` when ONNX Runtime
 * cannot read it; `SHAPE` when its inputs or outputs are not the manifest's. Each message names what disagrees.
 * @example const sdf = await loadNetwork({ ort, files, manifest, name: 'sdf' });
 */
export async function loadNetwork(options: LoadNetworkOptions): Promise<Network> {
  const { ort, files, manifest, name, device = 'cpu', threads, signal } = options;
  if (!Object.hasOwn(manifest.networks, name)) {
    const known = Object.keys(manifest.networks).join(', ');
    throw new FaceError('MANIFEST', `loadNetwork: model ${manifest.id} has no network ${name}. It has ${known}.`);
  }
  const spec = manifest.networks[name];
  const { path } = manifest.files[spec.file];
  const bytes = await readVerified(files, manifest.files[spec.file], { signal });
  const weights = spec.weights === undefined ? undefined : manifest.files[spec.weights];
  const externalData = weights && [
    // A graph names the unpacked file as its neighbour.
    {
      path: weights.path.replace(/^.*\//, '').replace(/\.gz$/, ''),
      data: await readShared(files, weights, { signal }),
    },
  ];
  const exclusively = turnTaker(ort);
  const session = await exclusively(() =>
    ort.InferenceSession.create(bytes, {
      // onnxruntime-web knows "cpu" too, as another name of "wasm".
      executionProviders: [device],
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...(externalData ? { externalData } : {}),
    }),
  ).catch((cause: unknown) => {
    throw new FaceError(
      'NETWORK',
      `loadNetwork: ONNX Runtime cannot load ${path} on ${device}. Update the runtime or choose another device.`,
      { cause },
    );
  });
  try {
    checkSession(path, 'input', spec.inputs, session.inputNames, session.inputMetadata);
    checkSession(path, 'output', spec.outputs, session.outputNames, session.outputMetadata);
    signal?.throwIfAborted();
  } catch (error) {
    await session.release();
    throw error;
  }

  async function run(feeds: NetworkTensors, { signal }: { signal?: AbortSignal } = {}): Promise<NetworkTensors> {
    const lengths = checkTensors(name, 'input', spec.inputs, feeds);
    const inputs = Object.fromEntries(
      Object.keys(spec.inputs).map((key) => [key, new ort.Tensor('float32', feeds[key].data, feeds[key].dims)]),
    );
    const results = await exclusively(() => {
      signal?.throwIfAborted();
      return session.run(inputs);
    });
    const outputs: NetworkTensors = {};
    for (const key of Object.keys(spec.outputs)) {
      outputs[key] = { data: (await results[key].getData()) as Float32Array, dims: results[key].dims };
    }
    checkTensors(name, 'output', spec.outputs, outputs, lengths);
    return outputs;
  }

  async function runBatched(feeds: NetworkTensors, options: RunBatchedOptions = {}): Promise<NetworkTensors> {
    const { batchSize } = mergeOptions(RUN_BATCHED_DEFAULTS, { batchSize: options.batchSize });
    const lengths = checkTensors(name, 'input', spec.inputs, feeds);
    const total = lengths.get('N');
    if (total === undefined)
      throw new FaceError('SHAPE', `${name}: no input has an axis N to run in batches. Use run().`);
    const outputs = Object.fromEntries(
      Object.entries(spec.outputs).map(([key, { dims }]) => {
        const lengthsOfAxes = dims.map((dim) => (typeof dim === 'number' ? dim : (lengths.get(dim) ?? 0)));
        return [key, { data: new Float32Array(sizeOf(lengthsOfAxes)), dims: lengthsOfAxes }];
      }),
    );
    for (let begin = 0; begin < total; begin += batchSize) {
      options.signal?.throwIfAborted();
      const end = Math.min(begin + batchSize, total);
      const batch = Object.fromEntries(
        Object.entries(spec.inputs).map(([key, { dims }]) => [
          key,
          dims[0] === 'N' ? rows(feeds[key], begin, end) : feeds[key],
        ]),
      );
      const results = await run(batch, { signal: options.signal });
      for (const [key, { dims }] of Object.entries(spec.outputs)) {
        const { data } = results[key];
        const sum = outputs[key].data;
        if (dims[0] === 'N') sum.set(data, begin * rowSize(outputs[key]));
        else for (let i = 0; i < data.length; i++) sum[i] += data[i];
      }
      options.onProgress?.(end / total);
    }
    return outputs;
  }

  return { name, spec, run, runBatched, dispose: () => exclusively(() => session.release()) };
}

const queues = /* @__PURE__ */ new WeakMap<object, Promise<unknown>>();

/**
 * The web runtime fails when two sessions are created or run at once, so there they take turns. In Node they need not: it has
 * threads of its own.
 */
function turnTaker(ort: OrtRuntime): <T>(work: () => Promise<T>) => Promise<T> {
  if (!ort.env.versions?.web) return (work) => work();
  return (work) => {
    const result = (queues.get(ort.env) ?? Promise.resolve()).then(work);
    queues.set(
      ort.env,
      result.catch(() => undefined),
    );
    return result;
  };
}

/** Compares a session's names, types and axes with the manifest's. */
function checkSession(
  path: string,
  kind: 'input' | 'output',
  specs: Record<string, TensorSpec>,
  names: readonly string[],
  metadata: readonly InferenceSession.ValueMetadata[],
): void {
  const expected = Object.keys(specs);
  const surplus = kind === 'input' ? names.find((key) => !expected.includes(key)) : undefined;
  const missing = expected.find((key) => !names.includes(key));
  if (surplus !== undefined || missing !== undefined) {
    throw new FaceError(
      'SHAPE',
      `loadNetwork: ${path} should have the ${kind}s ${expected.join(', ')}; it has ${names.join(', ')}. The file and the manifest are of different models.`,
    );
  }
  for (const key of expected) {
    const value = metadata[names.indexOf(key)];
    const { dims, dtype } = specs[key];
    const fits =
      value.isTensor &&
      value.type === dtype &&
      // An empty shape means that the graph does not say.
      (value.shape.length === 0 ||
        (value.shape.length === dims.length &&
          // A graph names or leaves open an axis of any length.
          value.shape.every((n, axis) => typeof n === 'string' || n < 0 || n === dims[axis])));
    if (!fits) {
      const found = value.isTensor ? `${value.type} [${value.shape}]` : 'no tensor';
      throw new FaceError(
        'SHAPE',
        `loadNetwork: ${path}: ${kind} ${key} should be ${dtype} [${dims}]; it is ${found}. The file and the manifest are of different models.`,
      );
    }
  }
}

/** Compares tensors with their specs and returns the lengths of the lettered axes. */
function checkTensors(
  network: string,
  kind: 'input' | 'output',
  specs: Record<string, TensorSpec>,
  tensors: NetworkTensors,
  known: ReadonlyMap<string, number> = new Map(),
): Map<string, number> {
  const lengths = new Map(known);
  for (const [key, { dims }] of Object.entries(specs)) {
    const tensor = tensors[key];
    const wrong = (received: string) =>
      new FaceError('SHAPE', `${network}: ${kind} ${key} should be [${dims}] float32; received ${received}.`);
    if (!tensor) throw wrong('nothing');
    if (!(tensor.data instanceof Float32Array)) throw wrong('other numbers than a Float32Array');
    if (tensor.dims.length !== dims.length) throw wrong(`[${tensor.dims}]`);
    dims.forEach((dim, axis) => {
      const expected = typeof dim === 'number' ? dim : (lengths.get(dim) ?? tensor.dims[axis]);
      if (tensor.dims[axis] !== expected) throw wrong(`[${tensor.dims}]`);
      if (typeof dim === 'string') lengths.set(dim, expected);
    });
    if (tensor.data.length !== sizeOf(tensor.dims)) throw wrong(`${tensor.data.length} numbers for [${tensor.dims}]`);
  }
  const unknown = Object.keys(tensors).find((key) => !Object.hasOwn(specs, key));
  if (unknown !== undefined) {
    throw new FaceError(
      'SHAPE',
      `${network}: there is no ${kind} ${unknown}. It has ${Object.keys(specs).join(', ')}.`,
    );
  }
  return lengths;
}

function rows(tensor: NetworkTensor, begin: number, end: number): NetworkTensor {
  const size = rowSize(tensor);
  return { data: tensor.data.subarray(begin * size, end * size), dims: [end - begin, ...tensor.dims.slice(1)] };
}

function rowSize({ dims }: NetworkTensor): number {
  return sizeOf(dims.slice(1));
}
