import { type Files, loadTensors, type Manifest, takeTensor } from '@implicit-faces/runtime';
import { FaceError } from './errors.js';

/** Who it is and what the face does. Both belong to one model; sizes Dg and De are in its manifest. */
export interface Codes {
  /** `[Dg]`, prior N(0, 1). */
  geometry: Float32Array;
  /** `[De]`, weights of about 0 to 1, in the order of the manifest's `expressionNames`. */
  expression: Float32Array;
}

/** The part of a manifest that says which codes fit. */
export type CodeSizes = Pick<Manifest, 'id' | 'codes' | 'expressionNames'>;

/** Expression codes from ARKit's 52 weights: `expression = matrix [De, 52] * weights [52]`. */
export interface Rig {
  /** `[De, 52]`, row-major. */
  matrix: Float32Array;
  /** In Apple's spelling and order. */
  arkitNames: readonly string[];
}

/** The mean face at rest: all zeros. */
export function createCodes(manifest: CodeSizes): Codes {
  return {
    geometry: new Float32Array(manifest.codes.geometry),
    expression: new Float32Array(manifest.codes.expression),
  };
}

/**
 * An expression code from weights by name; what is not named is 0.
 *
 * @param weights - for example `{ jawOpen: 0.5 }`, names from the manifest's `expressionNames`.
 * @returns `[De]`
 * @throws FaceError `CODES` for a name that the model does not have.
 */
export function createExpression(manifest: CodeSizes, weights: Readonly<Record<string, number>>): Float32Array {
  const expression = new Float32Array(manifest.codes.expression);
  for (const [name, weight] of Object.entries(weights)) {
    expression[indexOf('createExpression', manifest.expressionNames, name)] = weight;
  }
  return expression;
}

/**
 * Checks that codes fit a model.
 *
 * @param who - whom the message should name.
 * @throws FaceError `CODES` when a size is another model's or a number is not finite.
 */
export function checkCodes(manifest: CodeSizes, codes: Codes, who = 'checkCodes'): void {
  for (const key of ['geometry', 'expression'] as const) {
    checkCode(manifest, key, codes[key], who);
  }
}

/**
 * Checks one code's size and numbers.
 *
 * @throws FaceError `CODES`, naming the code, the model and what came.
 */
export function checkCode(
  manifest: Pick<Manifest, 'id' | 'codes'>,
  key: keyof Manifest['codes'],
  code: Float32Array,
  who = 'checkCode',
): void {
  const expected = manifest.codes[key];
  const wrong = (received: string) =>
    new FaceError(
      'CODES',
      `${who}: codes.${key} should be a Float32Array of ${expected} finite numbers for model ${manifest.id}; received ${received}. Use codes of the same model.`,
    );
  if (!(code instanceof Float32Array)) throw wrong(code === null ? 'null' : typeof code);
  if (code.length !== expected) throw wrong(`${code.length} numbers`);
  const bad = code.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw wrong(`${code[bad]} at ${bad}`);
}

/**
 * The straight line between two faces: `a` at 0, `b` at 1, beyond them outside of 0 to 1.
 *
 * @throws FaceError `CODES` when the two are of different sizes, hence of different models.
 */
export function mixCodes(a: Codes, b: Codes, amount: number): Codes {
  const mix = (key: keyof Codes) => {
    if (a[key].length !== b[key].length) {
      throw new FaceError(
        'CODES',
        `mixCodes: codes.${key} should be of one model; received ${a[key].length} and ${b[key].length} numbers.`,
      );
    }
    return a[key].map((value, i) => value + amount * (b[key][i] - value));
  };
  return { geometry: mix('geometry'), expression: mix('expression') };
}

/**
 * Reads a model's rig.
 *
 * @throws FaceError `TENSORS` when the file has none of the right shape; else as `loadTensors`.
 */
export async function loadRig(options: { files: Files; manifest: Manifest; signal?: AbortSignal }): Promise<Rig> {
  const { files, manifest, signal } = options;
  const tensors = await loadTensors(files, manifest, 'topology', { signal });
  const { codes, arkitNames } = manifest;
  return { matrix: takeTensor(tensors, 'rig.matrix', 'F32', [codes.expression, arkitNames.length]).data, arkitNames };
}

/**
 * The expression code for ARKit blendshape weights.
 *
 * @param weights - 52 numbers in the order of `rig.arkitNames`, or numbers by name (what is not named is 0).
 * @returns `[De]`
 * @throws FaceError `CODES` for an unknown name or another count than 52.
 */
export function expressionFromArkit(
  rig: Rig,
  weights: ArrayLike<number> | Readonly<Record<string, number>>,
): Float32Array {
  const columns = rig.arkitNames.length;
  const list = isList(weights) ? weights : new Float32Array(columns);
  if (list.length !== columns) {
    throw new FaceError('CODES', `expressionFromArkit: weights should be ${columns} numbers; received ${list.length}.`);
  }
  if (!isList(weights)) {
    for (const [name, weight] of Object.entries(weights)) {
      (list as Float32Array)[indexOf('expressionFromArkit', rig.arkitNames, name)] = weight;
    }
  }
  return Float32Array.from({ length: rig.matrix.length / columns }, (_, row) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += rig.matrix[row * columns + column] * list[column];
    return sum;
  });
}

function isList(weights: ArrayLike<number> | Readonly<Record<string, number>>): weights is ArrayLike<number> {
  return Array.isArray(weights) || ArrayBuffer.isView(weights);
}

function indexOf(who: string, names: readonly string[], name: string): number {
  const index = names.indexOf(name);
  if (index < 0) throw new FaceError('CODES', `${who}: there is no ${name}. The names are ${names.join(', ')}.`);
  return index;
}
