import { z } from 'zod';
import { FaceError } from './errors.js';

/** The schemas, made when a manifest is parsed: what parses no manifest (a renderer alone) should not have to bundle zod. */
function schemas() {
  const file = z.object({
    // Hostile manifests must not reach outside the model's folder.
    path: z.string().regex(/^(?!\/)(?!.*\.\.)(?!.*[:\\])[^\0]+$/, 'should be a relative path without ".."'),
    bytes: z.int().nonnegative(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'should be 64 lower-case hexadecimal digits'),
    /** How the file is packed; length and hash are the packed file's. */
    encoding: z.literal('gzip').optional(),
  });

  const tensor = z.object({
    /** A number, or a letter such as "N" for an axis of any length (the same in all tensors of one run). */
    dims: z.array(z.union([z.int().nonnegative(), z.string().min(1)])),
    dtype: z.literal('float32'),
  });

  const network = z.object({
    /** A key of `files`: the graph. */
    file: z.string(),
    /** A key of `files`: where the graph's large weights are, when it does not hold them itself. Several graphs may share one file. */
    weights: z.string().optional(),
    inputs: z.record(z.string(), tensor),
    outputs: z.record(z.string(), tensor),
  });

  const networkManifest = z.looseObject({
    id: z.string().min(1),
    version: z.string().min(1),
    license: z.string().min(1),
    files: z.record(z.string(), file),
    networks: z.record(z.string(), network),
  });

  const point = z.tuple([z.number(), z.number(), z.number()]);

  const faceManifest = networkManifest.extend({
    units: z.literal('metre'),
    codes: z.object({ geometry: z.int().positive(), expression: z.int().positive(), texture: z.int().positive() }),
    expressionNames: z.array(z.string()),
    arkitNames: z.array(z.string()).length(52),
    parts: z.array(z.string()).min(1),
    bounds: z.object({ min: point, max: point }),
    trainingData: z.array(z.unknown()),
  });

  return { tensor, network, networkManifest, faceManifest };
}

type Schemas = ReturnType<typeof schemas>;

/** One tensor of a network: its axes (a letter stands for any length) and type. */
export type TensorSpec = z.infer<Schemas['tensor']>;
/** One network: which file it is in, and its inputs and outputs. */
export type NetworkSpec = z.infer<Schemas['network']>;
/** What every set of networks states: files with their hashes, and networks with their shapes. */
export type NetworkManifest = z.infer<Schemas['networkManifest']>;
/** The manifest of a face model, see `parseManifest`. */
export type Manifest = z.infer<Schemas['faceManifest']>;

/**
 * Checks the manifest of any set of networks.
 *
 * @param json - the parsed JSON.
 * @throws FaceError `MANIFEST`, naming the field that is wrong.
 */
export function parseNetworkManifest(json: unknown): NetworkManifest {
  return checked('parseNetworkManifest', schemas().networkManifest, json);
}

/**
 * Checks the manifest of a face model: the networks', and code sizes, names, parts and bounds (metres, posed space).
 *
 * @param json - the parsed JSON.
 * @throws FaceError `MANIFEST`, naming the field that is wrong.
 */
export function parseManifest(json: unknown): Manifest {
  const manifest = checked('parseManifest', schemas().faceManifest, json);
  if (manifest.expressionNames.length !== manifest.codes.expression) {
    throw wrong(
      'parseManifest',
      'expressionNames',
      `should have ${manifest.codes.expression} names; received ${manifest.expressionNames.length}`,
    );
  }
  return manifest;
}

function checked<T extends NetworkManifest>(who: string, schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw wrong(who, issue.path.join('.') || 'the manifest', issue.message);
  }
  for (const [name, { file, weights = file }] of Object.entries(result.data.networks)) {
    for (const [field, key] of Object.entries({ file, weights })) {
      if (!Object.hasOwn(result.data.files, key)) {
        throw wrong(
          who,
          `networks.${name}.${field}`,
          `should be one of ${Object.keys(result.data.files).join(', ')}; received ${key}`,
        );
      }
    }
  }
  return result.data;
}

function wrong(who: string, field: string, what: string): FaceError {
  return new FaceError('MANIFEST', `${who}: ${field} ${what}. Use the manifest.json that came with the model.`);
}
