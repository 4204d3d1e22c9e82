import { buildWall, standOnFloor } from '@implicit-faces/avatar';
import { FaceError, type Manifest } from '@implicit-faces/runtime';
import { type Codes, type SdfLayers, SHEETS } from '@implicit-faces/sdf-core';
import type { UvModel } from '@implicit-faces/uv-param';
import type { RendererErrorCode } from '../errors.js';
import { type AddRow, createChangeKernel } from './change-kernel.js';
import {
  addChange,
  BLOCKS,
  CHANNELS,
  completeBlocks,
  copyRows,
  createRowHistory,
  createValues,
  type DeformationVolume,
  type LatticeValues,
  type RowHistory,
  resetValues,
  writeBlock,
} from './deformation-volume.js';
import { coarsened, findLayout, type IdentityLayout, type LayoutSteps, PROXY_MARGIN } from './identity-layout.js';
import {
  type Lattice,
  type LatticeWindow,
  latticeCount,
  latticePoints,
  sampleLattice,
  wholeWindow,
  windowAround,
} from './lattice.js';
import { farthestMove, type LinearMesh, meshBounds, movedBounds, movedTriangles, poseMesh } from './linear-mesh.js';
import { computeRestFrames, createRestMap } from './mesh-transfer.js';
import { bakeParts, type PartGrids } from './part-grids.js';
import type { ProxyMesh } from './proxy-mesh.js';
import { createMarks, type MeshMarks, markNearMesh } from './surface-samples.js';
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
  /** A mesh of the skin, from which rays begin. */
  proxy: ProxyMesh;
  /** What holds the whole head, posed space, metres. */
  bounds: { min: Float32Array; max: Float32Array };
  /** The exact bake, or the quick one that stands in for it. */
  exact: boolean;
}

export interface BakerOptions extends BakeTemplateOptions, Partial<LayoutSteps> {}

export const BAKER_DEFAULTS: LayoutSteps = { coarseStep: 4e-3, eyeStep: 1e-3, mouthStep: 1.5e-3 };

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
   * @param reuse - a quick bake that is no longer shown: its volume is written over, which spares an animation's every frame megabytes of garbage. From a worker every bake is a copy.
   * @throws FaceError `NO_IDENTITY` before `setIdentity`.
   */
  quickBake(expression: Float32Array, reuse?: PosedBake): Promise<PosedBake>;
}

/** How far off the mesh the zero set may be, metres. */
const MESH_MARGIN = 6e-4;
/** The same for the face at rest around the eyes: half of how far open they are. In the air between, D carries all of it into the template's gap, which is narrow there, and what is spread from the lids would not. */
const LID_MARGIN = 4.5e-3;
/** Around the head, metres. */
const BOUNDS_MARGIN = 4e-3;
/** A vertex that moved less than this is where it was, metres: for the exact bake, and for the quick one. */
const STILL = 2e-4;
const NEARLY_STILL = 5e-4;
/** The window of a lattice near which nothing moves. */
const NOWHERE: LatticeWindow = { first: [0, 0, 0], end: [0, 0, 0] };
/** Around what has moved, metres: as far as an expression changes D. No ray needs to know it farther away. */
const REACH = 16e-3;
/** A ray reads D no farther than this from the surface, metres. What an expression changes has to be known there, and as far as the surface has come from: with D at rest that place would still be skin. */
const SEEN = 6e-3;
const HEAD_BLOCKS = [BLOCKS.head, BLOCKS.eyeLeft, BLOCKS.eyeRight, BLOCKS.mouth] as const;
/** The jaw's blocks that hold the points of the head's. */
const JAW_TWIN = [
  [BLOCKS.head, BLOCKS.jaw],
  [BLOCKS.mouth, BLOCKS.jawMouth],
] as const;
const twinOf = (block: number) => (block === BLOCKS.mouth ? BLOCKS.jawMouth : BLOCKS.jaw);

/** Who it is, and D of the face at rest, to which expressions are changes. */
interface Identity extends IdentityLayout {
  geometry: Float32Array;
  mesh: LinearMesh;
  restFrames: Float32Array;
  /** Complete, on the blocks' own lattices. */
  reference: LatticeValues[];
  /** The texture of the latest bake, on its way: the reference and a change. */
  data: Uint16Array;
  history: RowHistory;
  addRow: AddRow;
  /** What an expression changes, on the blocks' lattices at twice the step. */
  changes: LatticeValues[];
  /** Of the head's blocks' changes. */
  marks: Map<number, MeshMarks>;
  /** Of the head's blocks' changes, for both solids: the triangle of the face at rest that is nearest to a point, -1 far from it. */
  restOwners: Map<number, MeshMarks['owners']>;
  /** Of the head's blocks' changes: the number of the same point in the jaw's block, -1 where it has none. */
  twins: Map<number, Int32Array>;
}

/** Puts D at some points into `out` `[N, 2, 4]`, offsets and corrections of both sheets; NaN for a sheet of which nothing is known there. */
type Deform = (points: Float32Array, asked: readonly AskedBlock[], out: Float32Array) => Promise<void> | void;

/** Which points of a head's block are asked for. */
interface AskedBlock {
  block: number;
  owners: MeshMarks['owners'];
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
  const wall = buildWall(triangles, places.length / 2);
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
  function nearly({ mesh, restFrames, reference, layout }: Identity, positions: Float32Array): Deform {
    const restMap = createRestMap(mesh, restFrames, positions);
    const place = new Float64Array(3);
    const d = new Float64Array(CHANNELS);
    const orders = [
      [BLOCKS.mouth, BLOCKS.eyeLeft, BLOCKS.eyeRight, BLOCKS.head],
      [BLOCKS.jawMouth, BLOCKS.jaw],
    ];
    const choose = (s: number) => {
      const order = orders[s];
      for (const b of order) if (isWithin(layout.blocks[b], place)) return reference[b];
      return reference[order[order.length - 1]];
    };
    return (points, asked, out) => {
      for (const { owners, which, first } of asked) {
        for (let n = 0; n < which.length; n++) {
          const i = first + n;
          for (let s = 0; s < SHEETS.length; s++) {
            const to = CHANNELS * (SHEETS.length * i + s);
            const owner = owners[s][which[n]];
            const same = s > 0 && owner === owners[s - 1][which[n]];
            if (owner < 0) {
              out[to] = Number.NaN;
              continue;
            }
            if (!same) restMap(owner, points, i, place);
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
    reuse?: PosedBake,
  ): Promise<PosedBake> {
    const { mesh, layout, reference } = who;
    const codes: Codes = { geometry: who.geometry, expression };
    const partTransforms = await uv.partTransforms(codes);
    const moved = movedTriangles(mesh, positions, exact ? STILL : NEARLY_STILL);
    const chosen = numbersOf(moved);
    const box = movedBounds(mesh, positions, chosen, REACH);
    const lattices = who.changes.map(({ lattice }) => lattice);
    const windows = lattices.map((lattice) => (box ? windowAround(lattice, box.min, box.max) : NOWHERE));
    const asked = choosePoints(lattices, windows, who.marks, positions, triangles, chosen, who.sheets);
    const found = new Float32Array((asked.points.length / 3) * SHEETS.length * CHANNELS);
    if (found.length > 0) await deform(asked.points, asked.blocks, found);
    // Nothing waits from here on, so that two bakes at once do not meet in the same room.
    who.changes.forEach((change, b) => {
      resetValues(change, windows[b]);
    });
    for (const part of asked.blocks) {
      keepStill(part.block, who, moved);
      scatter(part, who.changes, who.twins, found, reference);
    }
    completeBlocks(who.changes, exact ? undefined : farthestMove(mesh, positions) + SEEN);
    who.history.now++;
    who.changes.forEach((change, b) => {
      addChange(layout.blocks[b], reference[b].values, change, layout.size, who.data, who.addRow, who.history);
    });
    const room = reuse && !reuse.exact && reuse.volume.data.length === who.data.length ? reuse.volume.data : undefined;
    const data = copyRows(who.data, who.history, room);
    const standing = standOnFloor(positions, wall);
    const margins = new Float32Array(standing.length / 3).fill(PROXY_MARGIN);
    margins.set(who.margins);
    return {
      volume: { ...layout, data },
      partTransforms,
      proxy: { positions: standing, triangles: wall.triangles, margins },
      bounds: meshBounds(standing, BOUNDS_MARGIN),
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
      const all = Uint32Array.from({ length: triangles.length / 3 }, (_, t) => t);
      const lattices = layout.blocks.map(coarsened);
      const texels = layout.size[0] * layout.size[1] * layout.size[2];
      const samples = [...layout.blocks, ...lattices].reduce((sum, lattice) => sum + latticeCount(lattice), 0);
      const kernel = createChangeKernel(CHANNELS * (4 * samples + 2 * texels));
      const reference = layout.blocks.map((block) => createValues(block, kernel.floats));
      const marks = new Map(HEAD_BLOCKS.map((b) => [b, createMarks(layout.blocks[b])]));
      const windows = layout.blocks.map(wholeWindow);
      const asked = choosePoints(layout.blocks, windows, marks, points, triangles, all, found.sheets, LID_MARGIN);
      const values = new Float32Array((asked.points.length / 3) * SHEETS.length * CHANNELS);
      await exactly(codes)(asked.points, asked.blocks, values);
      for (const part of asked.blocks) scatter(part, reference, findTwins(layout.blocks), values);
      completeBlocks(reference);
      const data = kernel.halves(CHANNELS * texels);
      reference.forEach(({ values: v }, b) => {
        writeBlock(layout.blocks[b], v, layout.size, data);
      });
      const changes = lattices.map((lattice) => createValues(lattice, kernel.floats));
      const restOwners = new Map(
        HEAD_BLOCKS.map((b) => {
          const { owners } = markNearMesh(changes[b].lattice, points, triangles, all, found.sheets, MESH_MARGIN);
          return [b, owners];
        }),
      );
      identity = {
        ...found,
        geometry: codes.geometry,
        mesh,
        restFrames: computeRestFrames(mesh),
        reference,
        data,
        history: createRowHistory(layout.size),
        addRow: kernel.addRow,
        changes,
        marks: new Map(HEAD_BLOCKS.map((b) => [b, createMarks(changes[b].lattice)])),
        restOwners,
        twins: findTwins(lattices),
      };
    },

    async bake(expression, { signal } = {}) {
      const who = present('bake');
      const codes: Codes = { geometry: who.geometry, expression };
      return pose(who, expression, poseMesh(who.mesh, expression), exactly(codes, signal), true);
    },

    async quickBake(expression, reuse) {
      const who = present('quickBake');
      const positions = poseMesh(who.mesh, expression);
      return pose(who, expression, positions, nearly(who, positions), false, reuse);
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

/** Where there is a 1. */
function numbersOf(marks: Uint8Array): Uint32Array {
  const out = new Uint32Array(marks.length);
  let count = 0;
  for (let n = 0; n < marks.length; n++) if (marks[n]) out[count++] = n;
  return out.subarray(0, count);
}

/** The points of the head's blocks near some triangles. */
function choosePoints(
  lattices: readonly Lattice[],
  windows: readonly LatticeWindow[],
  allMarks: Map<number, MeshMarks>,
  positions: Float32Array,
  triangles: Uint32Array,
  chosen: Uint32Array,
  sheets: Uint8Array,
  lidMargin = MESH_MARGIN,
): { points: Float32Array; blocks: AskedBlock[] } {
  let first = 0;
  const blocks = HEAD_BLOCKS.map((block): AskedBlock => {
    const marks = allMarks.get(block)!;
    const margin = block === BLOCKS.eyeLeft || block === BLOCKS.eyeRight ? lidMargin : MESH_MARGIN;
    markNearMesh(lattices[block], positions, triangles, chosen, sheets, margin, windows[block], marks);
    if (block === BLOCKS.head) unmarkInside(lattices, marks.near);
    const found = {
      block,
      owners: marks.owners,
      which: listMarked(lattices[block], windows[block], marks),
      first,
    };
    first += found.which.length;
    return found;
  });
  const points = new Float32Array(3 * first);
  for (const { block, which, first: at } of blocks) points.set(latticePoints(lattices[block], which), 3 * at);
  return { points, blocks };
}

/** Numbers of the marked points in a window. */
function listMarked({ size }: Lattice, { first, end }: LatticeWindow, { near, list }: MeshMarks): Uint32Array {
  const [nx, ny] = size;
  let count = 0;
  for (let k = first[2]; k < end[2]; k++)
    for (let j = first[1]; j < end[1]; j++)
      for (let at = first[0] + nx * (j + ny * k), last = at + end[0] - first[0]; at < last; at++)
        if (near[at]) list[count++] = at;
  return list.slice(0, count);
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

/** Which point of the jaw's block each point of a head's block is; both lie at whole multiples of their common step. */
function findTwins(lattices: readonly Lattice[]): Map<number, Int32Array> {
  return new Map(
    JAW_TWIN.map(([block, twin]) => {
      const [own, other] = [lattices[block], lattices[twin]];
      const shift = own.origin.map((o, k) => Math.round((o - other.origin[k]) / own.step));
      const out = new Int32Array(own.size[0] * own.size[1] * own.size[2]).fill(-1);
      let at = 0;
      for (let k = shift[2]; k < own.size[2] + shift[2]; k++)
        for (let j = shift[1]; j < own.size[1] + shift[1]; j++)
          for (let i = shift[0]; i < own.size[0] + shift[0]; i++, at++)
            if (i >= 0 && j >= 0 && k >= 0 && i < other.size[0] && j < other.size[1] && k < other.size[2])
              out[at] = i + other.size[0] * (j + other.size[1] * k);
      return [block, out];
    }),
  );
}

/** Says that nothing changes near triangles that have not moved, of each solid by itself: an open mouth's upper lip says nothing of the jaw. */
function keepStill(block: number, { changes, twins, restOwners }: Identity, moved: Uint8Array): void {
  const [ofHead, ofJaw] = restOwners.get(block)!;
  const twin = twins.get(block);
  const { known, window, lattice } = changes[block];
  const { first, end } = window;
  const [nx, ny] = lattice.size;
  const jawKnown = changes[twinOf(block)].known;
  for (let k = first[2]; k < end[2]; k++) {
    for (let j = first[1]; j < end[1]; j++) {
      for (let i = first[0]; i < end[0]; i++) {
        const at = i + nx * (j + ny * k);
        if (ofHead[at] >= 0 && !moved[ofHead[at]]) known[at] = 1;
        if (twin && twin[at] >= 0 && ofJaw[at] >= 0 && !moved[ofJaw[at]]) jawKnown[twin[at]] = 1;
      }
    }
  }
}

/**
 * Brings what was found at a head's block's points to that block and to the jaw's that holds the same points.
 *
 * @param reference - what to subtract, on lattices of half the step.
 */
function scatter(
  { block, which, first }: AskedBlock,
  targets: readonly LatticeValues[],
  twins: Map<number, Int32Array>,
  found: Float32Array,
  reference?: readonly LatticeValues[],
): void {
  const twin = twins.get(block);
  for (let sheet = 0; sheet < (twin ? 2 : 1); sheet++) {
    const b = sheet === 0 ? block : twinOf(block);
    const { values, known, lattice } = targets[b];
    const [nx, ny] = lattice.size;
    for (let n = 0; n < which.length; n++) {
      const at = sheet === 0 ? which[n] : twin![which[n]];
      const from = CHANNELS * (SHEETS.length * (first + n) + sheet);
      if (at < 0 || Number.isNaN(found[from])) continue;
      const to = CHANNELS * at;
      for (let c = 0; c < CHANNELS; c++) values[to + c] = found[from + c];
      if (reference) {
        const { lattice: fine, values: less } = reference[b];
        const row = Math.floor(at / nx);
        const k = Math.floor(row / ny);
        const i = at - nx * row;
        const l = CHANNELS * 2 * (i + fine.size[0] * (row - ny * k + fine.size[1] * k));
        for (let c = 0; c < CHANNELS; c++) values[to + c] -= less[l + c];
      }
      known[at] = 1;
    }
  }
}
