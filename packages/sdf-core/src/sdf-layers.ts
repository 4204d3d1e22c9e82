import { loadNetwork, loadTensors, type Network, takeTensor } from '@implicit-faces/runtime';
import { checkFinite, checkRows } from './check.js';
import type { Box } from './field.js';
import { type Codes, checkCodes } from './latent-codes.js';
import type { LoadSdfModelOptions } from './sdf-model.js';

/** The solids whose union is the skin, in the order of the layers' outputs: the head with the upper lip, the jaw with the lower lip. */
export const SHEETS = ['head', 'jaw'] as const;

/** The parts whose fields are networks, in the order of `mouthParts`' output. */
export const MOUTH_PARTS = ['teethUpper', 'teethLower', 'tongue'] as const;

/** An eyeball in its template space: a sphere and the cornea's smaller one, joined smoothly. */
export interface EyeShape {
  /** Metres. */
  centre: Float32Array;
  radius: number;
  /** How far the cornea reaches from the centre, metres. */
  bulge: number;
  /** `[3, 3]` row-major, template from the eyeball's own axes (+Z through the cornea). */
  frame: Float32Array;
}

/** The canonical points and the corrections of the distances of both sheets. */
export interface Deformed {
  /** `[N, 2, 3]`, canonical space, metres. */
  canonical: Float32Array;
  /** `[N, 2]`, metres, to be added to T at the canonical point. */
  corrections: Float32Array;
}

/**
 * What f is composed of, for renderers that bake it: the skin is `min over sheets of T(x + D(x)) + correction(x)`. Points are metres; every method splits them
 * into batches, and throws FaceError `SHAPE` for arrays of the wrong length, `RANGE` for points that are not finite, `CODES` for codes of another model.
 */
export interface SdfLayers {
  readonly eyes: readonly [left: EyeShape, right: EyeShape];
  /** Where teeth and tongue end, each in its own template space, in the order of `MOUTH_PARTS`. */
  readonly mouthBoxes: readonly Box[];

  /** T of both sheets. @param canonical - `[N, 3]` @returns `[N, 2]`, metres. */
  template(canonical: Float32Array): Promise<Float32Array>;

  /** The chart on the canonical space, UV_T. @returns `[N, 2]` */
  templateUv(canonical: Float32Array): Promise<Float32Array>;

  /** D: where posed points are in the canonical spaces of both sheets. @param points - `[N, 3]`, posed space, inside the manifest's bounds. */
  deform(points: Float32Array, codes: Codes): Promise<Deformed>;

  /** The fields of `MOUTH_PARTS` in their template spaces; a part ends at its box. @returns `[N, 3]`, metres. */
  mouthParts(template: Float32Array): Promise<Float32Array>;

  /** Frees the networks. */
  dispose(): Promise<void>;
}

const NETWORKS = ['template', 'templateUv', 'deformation', 'mouthParts'] as const;

/** A layer of activations of this many points stays in a core's cache, which a baker on one core notices. */
const DEFORM_BATCH = 2048;

/**
 * Loads the networks that a renderer bakes.
 *
 * @throws FaceError as `loadNetwork` of `@implicit-faces/runtime` does: `MANIFEST` when the model's version is one that came without them.
 * @example const layers = await loadSdfLayers({ ort, files: urlFiles(base), manifest });
 */
export async function loadSdfLayers(options: LoadSdfModelOptions): Promise<SdfLayers> {
  const { files, manifest, signal } = options;
  const networks = {} as Record<(typeof NETWORKS)[number], Network>;
  const dispose = async () => {
    await Promise.all(Object.values(networks).map((network) => network.dispose()));
  };
  try {
    for (const name of NETWORKS) networks[name] = await loadNetwork({ ...options, name });
    const tensors = await loadTensors(files, manifest, 'topology', { signal });
    const tensor = (name: string, dims: number[]) => takeTensor(tensors, name, 'F32', dims).data;
    const [centres, radii, bulges] = [
      tensor('eyes.centre', [2, 3]),
      tensor('eyes.radius', [2]),
      tensor('eyes.bulge', [2]),
    ];
    const frames = tensor('eyes.frame', [2, 3, 3]);
    const boxes = tensor('mouthParts.box', [MOUTH_PARTS.length, 2, 3]);
    const eye = (i: number): EyeShape => ({
      centre: centres.slice(3 * i, 3 * i + 3),
      radius: radii[i],
      bulge: bulges[i],
      frame: frames.slice(9 * i, 9 * i + 9),
    });
    const corner = (at: number) => [boxes[at], boxes[at + 1], boxes[at + 2]] as const;

    const rows = (who: string, points: Float32Array) => {
      checkRows(who, 'points', points, 3);
      checkFinite(who, 'points', points);
      return { data: points, dims: [points.length / 3, 3] };
    };
    const codeFeeds = (who: string, codes: Codes) => {
      checkCodes(manifest, codes, who);
      return {
        geometry: { data: codes.geometry, dims: [codes.geometry.length] },
        expression: { data: codes.expression, dims: [codes.expression.length] },
      };
    };
    return {
      eyes: [eye(0), eye(1)],
      mouthBoxes: MOUTH_PARTS.map((_, i) => ({ min: corner(6 * i), max: corner(6 * i + 3) })),
      async template(canonical) {
        return (await networks.template.runBatched({ canonical: rows('template', canonical) })).distances.data;
      },
      async templateUv(canonical) {
        return (await networks.templateUv.runBatched({ canonical: rows('templateUv', canonical) })).uv.data;
      },
      async deform(points, codes) {
        const feeds = { points: rows('deform', points), ...codeFeeds('deform', codes) };
        const { canonical, corrections } = await networks.deformation.runBatched(feeds, { batchSize: DEFORM_BATCH });
        return { canonical: canonical.data, corrections: corrections.data };
      },
      async mouthParts(template) {
        return (await networks.mouthParts.runBatched({ template: rows('mouthParts', template) })).distances.data;
      },
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
