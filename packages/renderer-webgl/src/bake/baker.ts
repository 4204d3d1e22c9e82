import { FaceError, type Manifest } from '@implicit-faces/runtime';
import { type Codes, SHEETS, type SdfLayers } from '@implicit-faces/sdf-core';
import { REGIONS, sampleChartMap, type UvModel } from '@implicit-faces/uv-param';
import type { RendererErrorCode } from '../errors.js';
import {
  BLOCKS,
  type BlockValues,
  CHANNELS,
  createBlockValues,
  type DeformationVolume,
  layOut,
  packVolume,
  type VolumeLayout,
} from './deformation-volume.js';
import { coverBox, latticeCount, latticePoints } from './lattice.js';
import { bakeParts, type PartGrids } from './part-grids.js';
import { markNearMesh } from './surface-samples.js';
import { type BakeTemplateOptions, bakeTemplate, type TemplateBricks } from './template-bricks.js';

/** The networks that are baked. */
export interface BakeSource {
  manifest: Manifest;
  layers: SdfLayers;
  uv: Pick<UvModel, 'topology' | 'surfaceJacobian' | 'partTransforms'>;
}

/** What does not depend on any code: baked once per model. */
export interface StaticBake {
  template: TemplateBricks;
  parts: PartGrids;
  eyes: SdfLayers['eyes'];
  mouthBoxes: SdfLayers['mouthBoxes'];
}

/** One face with one expression, ready for the renderer. */
export interface PosedBake {
  volume: DeformationVolume;
  /** `[5, 3, 4]`, posed from template, of eyes, teeth and tongue. */
  partTransforms: Float32Array;
  /** What holds the whole head, posed space, metres. */
  bounds: { min: Float32Array; max: Float32Array };
  /** The exact bake, or the quick one that stands in for it. */
  exact: boolean;
}

export interface BakerOptions extends BakeTemplateOptions {
  /** Between samples of D, metres: on the whole, and at eyes and mouth. */
  coarseStep?: number;
  eyeStep?: number;
  mouthStep?: number;
}

export const BAKER_DEFAULTS = { coarseStep: 8e-3, eyeStep: 2e-3, mouthStep: 2e-3 };

/** Turns codes into what the renderer reads. Lives in a worker as well as anywhere, see `serveBaker`. */
export interface Baker {
  readonly fixed: StaticBake;

  /**
   * Sets who it is.
   *
   * @param geometry - `[Dg]`
   */
  setIdentity(geometry: Float32Array): Promise<void>;

  /**
   * Bakes an expression of the present identity, exactly.
   *
   * @param expression - `[De]`
   * @throws FaceError `NO_IDENTITY` before `setIdentity`.
   */
  bake(expression: Float32Array, options?: { signal?: AbortSignal }): Promise<PosedBake>;
}

/** How far off the mesh the zero set may be, metres. */
const MESH_MARGIN = 6e-4;
/** Around the head, metres. */
const BOUNDS_MARGIN = 4e-3;
/** Half the size of an eye's block and its middle from the eyeball's centre, metres: lids and their folds. */
const EYE_HALF = [0.023, 0.018, 0.0145];
const EYE_MIDDLE = [0, 0, 0.0105];

/** The mesh's linear model at one identity. */
interface Identity {
  geometry: Float32Array;
  /** `[V, 3]` at rest. */
  rest: Float32Array;
  /** `[De][V, 3]` */
  moves: Float32Array[];
  layout: VolumeLayout;
}

/**
 * Bakes what no code changes and gives a baker.
 *
 * @example
 * const baker = await createBaker({ manifest, layers: await loadSdfLayers(options), uv: model.uv });
 * await baker.setIdentity(avatar.geometryCode);
 * renderer.setBake(await baker.bake(avatar.expressionCode));
 */
export async function createBaker(
  source: BakeSource,
  options: BakerOptions = {},
  baked?: StaticBake,
): Promise<Baker> {
  const { manifest, layers, uv } = source;
  const { triangles, uv: places } = uv.topology.skin;
  const steps = {
    coarse: options.coarseStep ?? BAKER_DEFAULTS.coarseStep,
    eye: options.eyeStep ?? BAKER_DEFAULTS.eyeStep,
    mouth: options.mouthStep ?? BAKER_DEFAULTS.mouthStep,
  };
  const fixed: StaticBake = baked ?? {
    template: await bakeTemplate(templateFields(layers), SHEETS.length, manifest.bounds, options),
    parts: await bakeParts(layers),
    eyes: layers.eyes,
    mouthBoxes: layers.mouthBoxes,
  };
  let identity: Identity | undefined;

  function mesh({ rest, moves }: Pick<Identity, 'rest' | 'moves'>, expression: Float32Array): Float32Array {
    const out = Float32Array.from(rest);
    expression.forEach((weight, k) => {
      if (weight === 0) return;
      const move = moves[k];
      for (let i = 0; i < out.length; i++) out[i] += weight * move[i];
    });
    return out;
  }

  /** Where blocks are for an identity, from its face at rest and with the jaw wide open. */
  async function findLayout(geometry: Float32Array, shape: Pick<Identity, 'rest' | 'moves'>): Promise<VolumeLayout> {
    const expressions = ['', 'jawOpen'].map((name) =>
      Float32Array.from(manifest.expressionNames, (n) => (n === name ? 1 : 0)),
    );
    const box = () => ({ min: [1, 1, 1], max: [-1, -1, -1] });
    const [head, jaw, mouth] = [box(), box(), box()];
    const grow = ({ min, max }: { min: number[]; max: number[] }, p: Float32Array, i: number) => {
      for (let k = 0; k < 3; k++) {
        min[k] = Math.min(min[k], p[3 * i + k]);
        max[k] = Math.max(max[k], p[3 * i + k]);
      }
    };
    const regions = sampleChartMap(uv.topology.regions, places);
    let eyes: Float32Array | undefined;
    for (const expression of expressions) {
      const positions = mesh(shape, expression);
      const codes: Codes = { geometry, expression };
      const { canonical, corrections } = await layers.deform(positions, codes);
      const sheet = async (s: number) => {
        const points = Float32Array.from({ length: positions.length }, (_, i) => canonical[6 * Math.floor(i / 3) + 3 * s + (i % 3)]);
        const d = await layers.template(points);
        return Float32Array.from({ length: points.length / 3 }, (_, i) => d[2 * i + s] + corrections[2 * i + s]);
      };
      const [ofHead, ofJaw] = [await sheet(0), await sheet(1)];
      for (let i = 0; i < ofHead.length; i++) {
        grow(head, positions, i);
        if (ofJaw[i] < ofHead[i] + 1e-3) grow(jaw, positions, i);
        if (regions[i] === REGIONS.lips) grow(mouth, positions, i);
      }
      eyes ??= await uv.partTransforms(codes);
    }
    const padded = ({ min, max }: { min: number[]; max: number[] }, by: number) =>
      [min.map((x) => x - by), max.map((x) => x + by)] as const;
    const eye = (e: number) => {
      const m = eyes!.subarray(12 * e, 12 * e + 12);
      const c = layers.eyes[e].centre;
      const middle = [0, 1, 2].map(
        (k) => m[4 * k] * c[0] + m[4 * k + 1] * c[1] + m[4 * k + 2] * c[2] + m[4 * k + 3] + EYE_MIDDLE[k],
      );
      return coverBox(
        middle.map((x, k) => x - EYE_HALF[k]),
        middle.map((x, k) => x + EYE_HALF[k]),
        steps.eye,
      );
    };
    const mouthLattice = coverBox(...padded(mouth, 4e-3), steps.mouth);
    return layOut([
      { ...coverBox(...padded(head, BOUNDS_MARGIN), steps.coarse), sheet: 0 },
      { ...eye(0), sheet: 0 },
      { ...eye(1), sheet: 0 },
      { ...mouthLattice, sheet: 0 },
      { ...coverBox(...padded(jaw, BOUNDS_MARGIN), steps.coarse), sheet: 1 },
      { ...mouthLattice, sheet: 1 },
    ]);
  }

  return {
    fixed,

    async setIdentity(geometry) {
      const codes: Codes = { geometry, expression: new Float32Array(manifest.codes.expression) };
      const { points, jacobian } = await uv.surfaceJacobian(places, codes);
      const { geometry: dg, expression: de } = manifest.codes;
      const moves = Array.from({ length: de }, (_, k) =>
        Float32Array.from({ length: points.length }, (_, i) => jacobian[i * (dg + de) + dg + k]),
      );
      const shape = { rest: points, moves };
      identity = { geometry: geometry.slice(), ...shape, layout: await findLayout(geometry, shape) };
    },

    async bake(expression, { signal } = {}) {
      if (!identity) {
        throw new FaceError<RendererErrorCode>('NO_IDENTITY', 'bake: there is no identity yet. Call setIdentity first.');
      }
      const { geometry, layout } = identity;
      const codes: Codes = { geometry, expression };
      const positions = mesh(identity, expression);
      const asked = choosePoints(layout, positions, triangles);
      const { canonical, corrections } = await layers.deform(asked.points, codes);
      signal?.throwIfAborted();
      const blocks = layout.blocks.map(createBlockValues);
      asked.blocks.forEach(({ block, which, first }) => {
        // The jaw's blocks hold the same points as the head's, or some of them.
        scatter(layout, blocks, block, which, first, asked.points, canonical, corrections);
      });
      return {
        volume: packVolume(layout, blocks),
        partTransforms: await uv.partTransforms(codes),
        bounds: meshBounds(positions),
        exact: true,
      };
    },
  };
}

function templateFields(layers: SdfLayers) {
  return {
    async distance(sheet: number, canonical: Float32Array) {
      const both = await layers.template(canonical);
      return Float32Array.from({ length: canonical.length / 3 }, (_, i) => both[2 * i + sheet]);
    },
    uv: (canonical: Float32Array) => layers.templateUv(canonical),
  };
}

/** Points of the head's blocks near the surface. */
interface AskedPoints {
  /** `[N, 3]`, metres. */
  points: Float32Array;
  /** Which of them are of which block: numbers in its lattice, and where they begin among the points. */
  blocks: { block: number; which: Uint32Array; first: number }[];
}

const HEAD_BLOCKS = [BLOCKS.head, BLOCKS.eyeLeft, BLOCKS.eyeRight, BLOCKS.mouth];

function choosePoints(layout: VolumeLayout, positions: Float32Array, triangles: Uint32Array): AskedPoints {
  let first = 0;
  const blocks = HEAD_BLOCKS.map((block) => {
    const lattice = layout.blocks[block];
    const marks = new Uint8Array(latticeCount(lattice));
    markNearMesh(lattice, positions, triangles, MESH_MARGIN, marks);
    if (block === BLOCKS.head) unmarkInside(layout, marks);
    const which: number[] = [];
    for (let at = 0; at < marks.length; at++) if (marks[at]) which.push(at);
    const found = { block, which: Uint32Array.from(which), first };
    first += which.length;
    return found;
  });
  const points = new Float32Array(3 * first);
  for (const { block, which, first } of blocks) points.set(latticePoints(layout.blocks[block], which), 3 * first);
  return { points, blocks };
}

/** A coarse point deep inside a fine block is never read. */
function unmarkInside(layout: VolumeLayout, marks: Uint8Array): void {
  const coarse = layout.blocks[BLOCKS.head];
  const [nx, ny] = coarse.size;
  for (const b of [BLOCKS.eyeLeft, BLOCKS.eyeRight, BLOCKS.mouth]) {
    const { origin, step, size } = layout.blocks[b];
    const range = [0, 1, 2].map((k) => {
      const low = (origin[k] + 3 * step - coarse.origin[k]) / coarse.step;
      const high = (origin[k] + step * (size[k] - 4) - coarse.origin[k]) / coarse.step;
      return [Math.ceil(low) + 1, Math.floor(high) - 1];
    });
    for (let k = range[2][0]; k <= range[2][1]; k++)
      for (let j = range[1][0]; j <= range[1][1]; j++)
        for (let i = range[0][0]; i <= range[0][1]; i++) marks[i + nx * (j + ny * k)] = 0;
  }
}

function scatter(
  layout: VolumeLayout,
  blocks: BlockValues[],
  block: number,
  which: Uint32Array,
  first: number,
  points: Float32Array,
  canonical: Float32Array,
  corrections: Float32Array,
): void {
  const put = (target: BlockValues, at: number, i: number, sheet: number) => {
    for (let k = 0; k < 3; k++) target.values[CHANNELS * at + k] = canonical[6 * i + 3 * sheet + k] - points[3 * i + k];
    target.values[CHANNELS * at + 3] = corrections[2 * i + sheet];
    target.known[at] = 1;
  };
  const lattice = layout.blocks[block];
  const twin = block === BLOCKS.head ? BLOCKS.jaw : block === BLOCKS.mouth ? BLOCKS.jawMouth : undefined;
  // Both lattices lie at whole multiples of their common step.
  const shift = twin && [0, 1, 2].map((k) => Math.round((lattice.origin[k] - layout.blocks[twin].origin[k]) / lattice.step));
  for (let n = 0; n < which.length; n++) {
    const at = which[n];
    put(blocks[block], at, first + n, 0);
    if (!twin || !shift) continue;
    const size = layout.blocks[twin].size;
    const i = (at % lattice.size[0]) + shift[0];
    const j = (Math.floor(at / lattice.size[0]) % lattice.size[1]) + shift[1];
    const k = Math.floor(at / (lattice.size[0] * lattice.size[1])) + shift[2];
    if (i < 0 || j < 0 || k < 0 || i >= size[0] || j >= size[1] || k >= size[2]) continue;
    put(blocks[twin], i + size[0] * (j + size[1] * k), first + n, 1);
  }
}

function meshBounds(positions: Float32Array): { min: Float32Array; max: Float32Array } {
  const min = new Float32Array(3).fill(Number.POSITIVE_INFINITY);
  const max = new Float32Array(3).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < positions.length; i++) {
    min[i % 3] = Math.min(min[i % 3], positions[i]);
    max[i % 3] = Math.max(max[i % 3], positions[i]);
  }
  for (let k = 0; k < 3; k++) {
    min[k] -= BOUNDS_MARGIN;
    max[k] += BOUNDS_MARGIN;
  }
  return { min, max };
}
