import { type LoadNetworkOptions, loadNetwork, type Manifest, type NetworkTensors } from '@implicit-faces/runtime';
import { checkFinite, checkLength, checkRows } from './check.js';
import { type Codes, checkCodes } from './latent-codes.js';

export interface LoadSdfModelOptions extends Omit<LoadNetworkOptions, 'manifest' | 'name'> {
  manifest: Manifest;
}

/** Distances of the whole head and of each of its P parts (the manifest's `parts`). */
export interface PartDistances {
  /** `[N]`, metres: the least over the parts. */
  distance: Float32Array;
  /** `[N, P]`, metres. */
  partDistances: Float32Array;
}

export interface DistanceGradient {
  /** `[N]`, metres. */
  distance: Float32Array;
  /** `[N, 3]`, d distance / d point, without unit; points outward. */
  gradient: Float32Array;
}

/** A vector-Jacobian product: the gradients of `sum over points of cotangent * distance`. */
export interface SdfVjp {
  /** `[N]`, metres. */
  distance: Float32Array;
  /** `[N, 3]` */
  gradPoints: Float32Array;
  /** `[Dg]` */
  gradGeometry: Float32Array;
  /** `[De]` */
  gradExpression: Float32Array;
}

/**
 * The signed distance network f(x; geometry, expression). Points are `[N, 3]` in posed space, metres. Every method splits its points into
 * batches that suit ONNX Runtime, and throws FaceError `SHAPE` for arrays of the wrong length, `RANGE` for points that are not
 * finite and `CODES` for codes of another model.
 */
export interface SdfModel {
  readonly manifest: Manifest;

  /**
   * Evaluates the signed distance: negative inside, zero on the surface, positive outside.
   *
   * @param points - `[N, 3]`, posed space, metres.
   * @param out - destination `[N]`, metres. Allocated when absent.
   * @returns `out`. It is T(x + D) and a correction, not an exact distance: trust it within centimetres of the surface and within the
   * manifest's bounds, and let a tracer step by less than it says.
   * @example const d = await model.evaluate(new Float32Array([0, 0, 0]), codes); // negative: inside the head
   * @see Lin et al. 2023, section 3. Differs from the paper: parts with motion of their own are joined by min.
   */
  evaluate(points: Float32Array, codes: Codes, out?: Float32Array): Promise<Float32Array>;

  /** Evaluates the distance of every part as well. */
  evaluateParts(points: Float32Array, codes: Codes): Promise<PartDistances>;

  /** Where the points are in the template's space, as skin. @returns `[N, 3]`, canonical space, metres: `out`, if given. */
  canonical(points: Float32Array, codes: Codes, out?: Float32Array): Promise<Float32Array>;

  /** The distance and its gradient by the points, by the exact derivative of the network. */
  gradient(points: Float32Array, codes: Codes): Promise<DistanceGradient>;

  /** The gradient's direction. @returns `[N, 3]` unit vectors, outward, zero where there is no gradient: `out`, if given. */
  normals(points: Float32Array, codes: Codes, out?: Float32Array): Promise<Float32Array>;

  /** The gradients of `sum of cotangent * distance`, for optimising points or codes. @param cotangent - `[N]` */
  vjp(points: Float32Array, codes: Codes, cotangent: Float32Array): Promise<SdfVjp>;

  /** Frees the networks. The model cannot be used any more. */
  dispose(): Promise<void>;
}

/**
 * Loads a model's signed distance network and its derivative.
 *
 * @throws FaceError as `loadNetwork` of `@implicit-faces/runtime` does, naming the file that is missing or does not match.
 * @example
 * const sdf = await loadSdfModel({ ort, files: urlFiles(base), manifest });
 * const d = await sdf.evaluate(points, createCodes(manifest));
 */
export async function loadSdfModel(options: LoadSdfModelOptions): Promise<SdfModel> {
  const { manifest } = options;
  const sdf = await loadNetwork({ ...options, name: 'sdf' });
  const sdfVjp = await loadNetwork({ ...options, name: 'sdfVjp' }).catch(async (error) => {
    await sdf.dispose();
    throw error;
  });

  const feeds = (who: string, points: Float32Array, codes: Codes): NetworkTensors => {
    checkRows(who, 'points', points, 3);
    checkFinite(who, 'points', points);
    checkCodes(manifest, codes, who);
    return {
      points: { data: points, dims: [points.length / 3, 3] },
      geometry: { data: codes.geometry, dims: [codes.geometry.length] },
      expression: { data: codes.expression, dims: [codes.expression.length] },
    };
  };
  const into = (who: string, values: Float32Array, out: Float32Array | undefined) => {
    if (!out) return values;
    checkLength(who, 'out', out, values.length);
    out.set(values);
    return out;
  };

  async function vjp(points: Float32Array, codes: Codes, cotangent: Float32Array, who = 'vjp'): Promise<SdfVjp> {
    const inputs = feeds(who, points, codes);
    checkLength(who, 'cotangent', cotangent, points.length / 3);
    const outputs = await sdfVjp.runBatched({ ...inputs, cotangent: { data: cotangent, dims: [cotangent.length] } });
    return {
      distance: outputs.distance.data,
      gradPoints: outputs.gradPoints.data,
      gradGeometry: outputs.gradGeometry.data,
      gradExpression: outputs.gradExpression.data,
    };
  }

  async function gradient(points: Float32Array, codes: Codes, who = 'gradient'): Promise<DistanceGradient> {
    // Each distance depends on its own point alone, so a cotangent of ones gives every point's own gradient.
    const ones = new Float32Array(Math.floor(points.length / 3)).fill(1);
    const { distance, gradPoints } = await vjp(points, codes, ones, who);
    return { distance, gradient: gradPoints };
  }

  return {
    manifest,
    async evaluate(points, codes, out) {
      const { distance } = await sdf.runBatched(feeds('evaluate', points, codes));
      return into('evaluate', distance.data, out);
    },
    async evaluateParts(points, codes) {
      const { distance, partDistances } = await sdf.runBatched(feeds('evaluateParts', points, codes));
      return { distance: distance.data, partDistances: partDistances.data };
    },
    async canonical(points, codes, out) {
      const { canonical } = await sdf.runBatched(feeds('canonical', points, codes));
      return into('canonical', canonical.data, out);
    },
    gradient: (points, codes) => gradient(points, codes),
    async normals(points, codes, out) {
      const { gradient: normals } = await gradient(points, codes, 'normals');
      for (let i = 0; i < normals.length; i += 3) {
        const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]);
        for (let k = 0; k < 3; k++) normals[i + k] = length > 0 ? normals[i + k] / length : 0;
      }
      return into('normals', normals, out);
    },
    vjp: (points, codes, cotangent) => vjp(points, codes, cotangent),
    async dispose() {
      await Promise.all([sdf.dispose(), sdfVjp.dispose()]);
    },
  };
}
