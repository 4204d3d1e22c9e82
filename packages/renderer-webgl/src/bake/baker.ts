import { FaceError, type Manifest } from '@implicit-faces/runtime';
import { type Codes, type SdfLayers, SHEETS } from '@implicit-faces/sdf-core';
import type { UvModel } from '@implicit-faces/uv-param';
import type { RendererErrorCode } from '../errors.js';
import {
  BLOCKS,
  CHANNELS,
  completeBlocks,
  createValues,
  type DeformationVolume,
  type LatticeValues,
  writeBlock,
} from './deformation-volume.js';
import { coarsened, findLayout, type IdentityLayout, type LayoutSteps } from './identity-layout.js';
import { type Lattice, latticePoints, sampleLattice } from './lattice.js';
import { type LinearMesh, meshBounds, movedTriangles, poseMesh } from './linear-mesh.js';
import { createRestMap } from './mesh-transfer.js';
import { bakeParts, type PartGrids } from './part-grids.js';
import { type MeshMarks, markNearMesh } from './surface-samples.js';
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

export interface BakerOptions extends BakeTemplateOptions, Partial<LayoutSteps> {}

export const BAKER_DEFAULTS: LayoutSteps = { coarseStep: 4e-3, eyeStep: 2e-3, mouthStep: 2e-3 };

/** Turns codes into what the renderer reads. Plain data goes in and out, so that it can live in a worker. */
export interface Baker {
  readonly fixed: StaticBake;

  /**
   * Sets who it is.
   *
   * @param geometry - `[Dg]`
   */
  setIdentity(geometry: Float32Array): Promise<void>;

  /**
   * Bakes an expression of the present identity, exactly: the networks are asked wherever the face has moved.
   *
   * @param expression - `[De]`
   * @throws FaceError `NO_IDENTITY` before `setIdentity`.
   */
  bake(expression: Float32Array, options?: { signal?: AbortSignal }): Promise<PosedBake>;

  /**
   * Bakes an expression nearly: D at rest is taken along by the mesh, whose vertices sum the forward offsets of all weights. For the frames until `bake` is done.
   *
   * @param expression - `[De]`
   * @throws FaceError `NO_IDENTITY` before `setIdentity`.
   */
  quickBake(expression: Float32Array): Promise<PosedBake>;
}

/** How far off the mesh the zero set may be, metres. */
const MESH_MARGIN = 6e-4;
/** Around the head, metres. */
const BOUNDS_MARGIN = 4e-3;
/** A vertex that moved less than this is where it was, metres. */
const STILL = 2e-4;
const HEAD_BLOCKS = [BLOCKS.head, BLOCKS.eyeLeft, BLOCKS.eyeRight, BLOCKS.mouth] as const;
/** The jaw's blocks that hold the points of the head's. */
const JAW_TWIN: Partial<Record<number, number>> = { [BLOCKS.head]: BLOCKS.jaw, [BLOCKS.mouth]: BLOCKS.jawMouth };

/** Who it is, and D of the face at rest, to which expressions are changes. */
interface Identity extends IdentityLayout {
  geometry: Float32Array;
  mesh: LinearMesh;
  /** Complete, on the blocks' own lattices. */
  reference: LatticeValues[];
  /** The reference's texture. */
  data: Uint16Array;
  /** Where expressions change it: the blocks' lattices, the coarse ones at twice the step. */
  changeLattices: Lattice[];
  /** Of the head's blocks, at rest: the nearest triangle to each point of a lattice of changes, -1 far from the mesh. */
  restOwners: Map<number, Int32Array>;
}

/** Puts D at some points into `out` `[N, 2, 4]`, offsets and corrections of both sheets; NaN for a sheet of which nothing is known there. */
type Deform = (points: Float32Array, asked: readonly AskedBlock[], out: Float32Array) => Promise<void> | void;

/** Which points of a head's block are asked for. */
interface AskedBlock {
  block: number;
  lattice: Lattice;
  marks: MeshMarks;
  /** Numbers in the lattice. */
  which: Uint32Array;
  /** Where they begin among all points. */
  first: number;
}

/**
 * Bakes what no code changes and gives a baker.
 *
 * @param baked - what another baker of the same model has as `fixed`, to save the work.
 * @example
 * const baker = await createBaker({ manifest, layers: await loadSdfLayers(options), uv: model.uv });
 * await baker.setIdentity(avatar.geometryCode);
 * renderer.setBake(await baker.bake(avatar.expressionCode));
 */
export async function createBaker(source: BakeSource, options: BakerOptions = {}, baked?: StaticBake): Promise<Baker> {
  const { manifest, layers, uv } = source;
  const { triangles, uv: places } = uv.topology.skin;
  const steps: LayoutSteps = {
    coarseStep: options.coarseStep ?? BAKER_DEFAULTS.coarseStep,
    eyeStep: options.eyeStep ?? BAKER_DEFAULTS.eyeStep,
    mouthStep: options.mouthStep ?? BAKER_DEFAULTS.mouthStep,
  };
  const fixed: StaticBake = baked ?? {
    template: await bakeTemplate(templateFields(layers), SHEETS.length, manifest.bounds, options),
    parts: await bakeParts(layers),
    eyes: layers.eyes,
    mouthBoxes: layers.mouthBoxes,
  };
  let identity: Identity | undefined;

  function present(who: string): Identity {
    if (identity) return identity;
    throw new FaceError<RendererErrorCode>('NO_IDENTITY', `${who}: there is no identity yet. Call setIdentity first.`);
  }

  /** The networks' own D. */
  const exactly =
    (codes: Codes, signal?: AbortSignal): Deform =>
    async (points, _asked, out) => {
      const { canonical, corrections } = await layers.deform(points, codes);
      signal?.throwIfAborted();
      for (let i = 0; i < points.length / 3; i++) {
        for (let s = 0; s < SHEETS.length; s++) {
          const to = CHANNELS * (SHEETS.length * i + s);
          for (let k = 0; k < 3; k++) out[to + k] = canonical[6 * i + 3 * s + k] - points[3 * i + k];
          out[to + 3] = corrections[2 * i + s];
        }
      }
    };

  /** D at rest, where the mesh says the points were at rest. */
  function nearly({ mesh, reference, layout }: Identity, positions: Float32Array): Deform {
    const restMap = createRestMap(mesh, positions);
    const place = new Float64Array(3);
    const d = new Float64Array(CHANNELS);
    const choose = (s: number) => {
      const [coarse, ...fine] = s === 0 ? HEAD_BLOCKS : [BLOCKS.jaw, BLOCKS.jawMouth];
      return reference[fine.find((b) => isWithin(layout.blocks[b], place)) ?? coarse];
    };
    return (points, asked, out) => {
      for (const { marks, which, first } of asked) {
        for (let n = 0; n < which.length; n++) {
          const i = first + n;
          for (let s = 0; s < SHEETS.length; s++) {
            const to = CHANNELS * (SHEETS.length * i + s);
            const owner = marks.owners[s][which[n]];
            if (owner < 0) {
              out[to] = Number.NaN;
              continue;
            }
            restMap(owner, points[3 * i], points[3 * i + 1], points[3 * i + 2], place);
            const { lattice, values } = choose(s);
            sampleLattice(lattice, values, CHANNELS, place[0], place[1], place[2], d);
            for (let k = 0; k < 3; k++) out[to + k] = place[k] + d[k] - points[3 * i + k];
            out[to + 3] = d[3];
          }
        }
      }
    };
  }

  async function pose(
    who: Identity,
    expression: Float32Array,
    positions: Float32Array,
    deform: Deform,
    exact: boolean,
  ): Promise<PosedBake> {
    const { mesh, layout, reference, changeLattices: lattices } = who;
    const codes: Codes = { geometry: who.geometry, expression };
    const moved = movedTriangles(mesh, positions, STILL);
    const asked = choosePoints(lattices, positions, triangles, moved, who.sheets);
    const data = who.data.slice();
    if (asked.points.length > 0) {
      const values = new Float32Array((asked.points.length / 3) * SHEETS.length * CHANNELS);
      await deform(asked.points, asked.blocks, values);
      const changes: (LatticeValues | undefined)[] = layout.blocks.map(() => undefined);
      for (const part of asked.blocks) {
        if (part.which.length === 0) continue;
        keepStill(part, lattices, changes, who.restOwners.get(part.block)!, moved);
        scatter(part, lattices, values, changes, reference);
      }
      completeBlocks(changes);
      changes.forEach((change, b) => {
        if (change) writeBlock(layout.blocks[b], reference[b].values, change, layout.size, data);
      });
    }
    return {
      volume: { ...layout, data },
      partTransforms: await uv.partTransforms(codes),
      bounds: meshBounds(positions, BOUNDS_MARGIN),
      exact,
    };
  }

  return {
    fixed,

    async setIdentity(geometry) {
      const codes: Codes = { geometry: geometry.slice(), expression: new Float32Array(manifest.codes.expression) };
      const { points, jacobian } = await uv.surfaceJacobian(places, codes);
      const { geometry: dg, expression: de } = manifest.codes;
      const moves = Array.from({ length: de }, (_, k) =>
        Float32Array.from({ length: points.length }, (_, i) => jacobian[i * (dg + de) + dg + k]),
      );
      const mesh: LinearMesh = { rest: points, moves, triangles };
      const found = await findLayout(source, codes.geometry, mesh, steps);
      const { layout } = found;
      const all = new Uint8Array(triangles.length / 3).fill(1);
      const asked = choosePoints(layout.blocks, points, triangles, all, found.sheets);
      const values = new Float32Array((asked.points.length / 3) * SHEETS.length * CHANNELS);
      await exactly(codes)(asked.points, asked.blocks, values);
      const reference = layout.blocks.map(createValues);
      for (const part of asked.blocks) scatter(part, layout.blocks, values, reference);
      completeBlocks(reference);
      const data = new Uint16Array(CHANNELS * layout.size[0] * layout.size[1] * layout.size[2]);
      reference.forEach(({ values: zero }, b) => {
        writeBlock(layout.blocks[b], new Float32Array(zero.length), reference[b], layout.size, data);
      });
      const changeLattices = layout.blocks.map((block, b) =>
        b === BLOCKS.head || b === BLOCKS.jaw ? coarsened(block) : block,
      );
      const restOwners = new Map(
        HEAD_BLOCKS.map((b) => {
          const { owners } = markNearMesh(changeLattices[b], points, triangles, all, all, MESH_MARGIN);
          return [b, owners[0]];
        }),
      );
      identity = { ...found, geometry: codes.geometry, mesh, reference, data, changeLattices, restOwners };
    },

    async bake(expression, { signal } = {}) {
      const who = present('bake');
      const codes: Codes = { geometry: who.geometry, expression };
      return pose(who, expression, poseMesh(who.mesh, expression), exactly(codes, signal), true);
    },

    async quickBake(expression) {
      const who = present('quickBake');
      const positions = poseMesh(who.mesh, expression);
      return pose(who, expression, positions, nearly(who, positions), false);
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

function isWithin({ origin, step, size }: Lattice, p: ArrayLike<number>): boolean {
  for (let k = 0; k < 3; k++) if (!(p[k] >= origin[k] && p[k] <= origin[k] + step * (size[k] - 1))) return false;
  return true;
}

/** The points of the head's blocks near triangles that moved. */
function choosePoints(
  lattices: readonly Lattice[],
  positions: Float32Array,
  triangles: Uint32Array,
  moved: Uint8Array,
  sheets: Uint8Array,
): { points: Float32Array; blocks: AskedBlock[] } {
  let first = 0;
  const blocks = HEAD_BLOCKS.map((block): AskedBlock => {
    const lattice = lattices[block];
    const marks = markNearMesh(lattice, positions, triangles, moved, sheets, MESH_MARGIN);
    if (block === BLOCKS.head) unmarkInside(lattices, marks.near);
    const which: number[] = [];
    for (let at = 0; at < marks.near.length; at++) if (marks.near[at]) which.push(at);
    const found = { block, lattice, marks, which: Uint32Array.from(which), first };
    first += which.length;
    return found;
  });
  const points = new Float32Array(3 * first);
  for (const { lattice, which, first: at } of blocks) points.set(latticePoints(lattice, which), 3 * at);
  return { points, blocks };
}

/** A coarse point deep inside a fine block is never read. */
function unmarkInside(lattices: readonly Lattice[], marks: Uint8Array): void {
  const coarse = lattices[BLOCKS.head];
  const [nx, ny] = coarse.size;
  for (const b of [BLOCKS.eyeLeft, BLOCKS.eyeRight, BLOCKS.mouth]) {
    const { origin, step, size } = lattices[b];
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

/** The jaw's block that holds a head's block's points, and which of its points is which; -1 where it has none. */
function jawTwin(
  { block, lattice }: AskedBlock,
  lattices: readonly Lattice[],
): { twin: number; at: (at: number) => number } | undefined {
  const twin = JAW_TWIN[block];
  if (twin === undefined) return undefined;
  const { origin, size } = lattices[twin];
  // Both lattices lie at whole multiples of their common step.
  const shift = [0, 1, 2].map((k) => Math.round((lattice.origin[k] - origin[k]) / lattice.step));
  return {
    twin,
    at(at) {
      const i = (at % lattice.size[0]) + shift[0];
      const j = (Math.floor(at / lattice.size[0]) % lattice.size[1]) + shift[1];
      const k = Math.floor(at / (lattice.size[0] * lattice.size[1])) + shift[2];
      return i < 0 || j < 0 || k < 0 || i >= size[0] || j >= size[1] || k >= size[2]
        ? -1
        : i + size[0] * (j + size[1] * k);
    },
  };
}

/** A block's values, made when they are first asked for. */
function valuesOf(targets: (LatticeValues | undefined)[], block: number, lattices: readonly Lattice[]): LatticeValues {
  const values = targets[block] ?? createValues(lattices[block]);
  targets[block] = values;
  return values;
}

/** Says that nothing changes near triangles that have not moved. */
function keepStill(
  asked: AskedBlock,
  lattices: readonly Lattice[],
  targets: (LatticeValues | undefined)[],
  owners: Int32Array,
  moved: Uint8Array,
): void {
  const twin = jawTwin(asked, lattices);
  const target = valuesOf(targets, asked.block, lattices);
  const other = twin && valuesOf(targets, twin.twin, lattices);
  for (let at = 0; at < owners.length; at++) {
    if (owners[at] < 0 || moved[owners[at]]) continue;
    target.known[at] = 1;
    if (!twin || !other) continue;
    const to = twin.at(at);
    if (to >= 0) other.known[to] = 1;
  }
}

/**
 * Brings what was found at a head's block's points to that block and to the jaw's that holds the same points.
 *
 * @param reference - what to subtract, on the blocks' own lattices.
 */
function scatter(
  asked: AskedBlock,
  lattices: readonly Lattice[],
  found: Float32Array,
  targets: (LatticeValues | undefined)[],
  reference?: readonly LatticeValues[],
): void {
  const { block, which, first } = asked;
  const put = (b: number, at: number, i: number, sheet: number) => {
    const from = CHANNELS * (SHEETS.length * i + sheet);
    if (Number.isNaN(found[from])) return;
    const target = valuesOf(targets, b, lattices);
    const to = CHANNELS * at;
    for (let c = 0; c < CHANNELS; c++) target.values[to + c] = found[from + c];
    if (reference) {
      const [nx, ny] = lattices[b].size;
      const { lattice, values } = reference[b];
      const ratio = lattice.size[0] === nx ? 1 : 2;
      const k = Math.floor(at / (nx * ny));
      const j = Math.floor(at / nx) % ny;
      const less = CHANNELS * ratio * ((at % nx) + lattice.size[0] * (j + lattice.size[1] * k));
      for (let c = 0; c < CHANNELS; c++) target.values[to + c] -= values[less + c];
    }
    target.known[at] = 1;
  };
  const twin = jawTwin(asked, lattices);
  for (let n = 0; n < which.length; n++) {
    put(block, which[n], first + n, 0);
    const other = twin ? twin.at(which[n]) : -1;
    if (twin && other >= 0) put(twin.twin, other, first + n, 1);
  }
}
