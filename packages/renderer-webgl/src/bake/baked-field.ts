import type { PosedBake, StaticBake } from './baker.js';
import { BLOCKS, CHANNELS, type DeformationBlock } from './deformation-volume.js';
import { decodeHalf } from './half.js';
import { cellsOfEntry, decodeFar, GRADIENT_RANGE, UV_STRIDE } from './template-bricks.js';

/** What the shader's uniforms say of the parts of one pose. */
export interface PartUniforms {
  /** Of eyes, teeth and tongue: `[5, 3, 4]`, template from posed, row-major. */
  templateFromPosed: Float32Array;
  /** `[5]`: posed metres per template metre. */
  scales: Float32Array;
  /** What holds teeth and tongue, posed space. */
  mouthMin: Float32Array;
  mouthMax: Float32Array;
}

/** Inverts the parts' transforms. For an eye the template's axes become the eyeball's own, with its centre at the origin. */
export function computePartUniforms({ eyes, mouthBoxes }: StaticBake, partTransforms: Float32Array): PartUniforms {
  const parts = partTransforms.length / 12;
  const templateFromPosed = new Float32Array(12 * parts);
  const scales = new Float32Array(parts);
  const mouthMin = new Float32Array(3).fill(Number.POSITIVE_INFINITY);
  const mouthMax = new Float32Array(3).fill(Number.NEGATIVE_INFINITY);
  for (let p = 0; p < parts; p++) {
    const m = partTransforms.subarray(12 * p, 12 * p + 12);
    const column = (k: number) => [m[k], m[4 + k], m[8 + k]] as const;
    const [a, b, c] = [column(0), column(1), column(2)];
    const rows = [cross(b, c), cross(c, a), cross(a, b)];
    const determinant = a[0] * rows[0][0] + a[1] * rows[0][1] + a[2] * rows[0][2];
    scales[p] = Math.cbrt(Math.max(determinant, 1e-6));
    let inverse = rows.map((row) => {
      const r = row.map((x) => x / determinant);
      return [...r, -(r[0] * m[3] + r[1] * m[7] + r[2] * m[11])];
    });
    if (p < eyes.length) {
      const { centre, frame } = eyes[p];
      inverse.forEach((row, k) => {
        row[3] -= centre[k];
      });
      inverse = [0, 1, 2].map((k) =>
        [0, 1, 2, 3].map((j) => frame[k] * inverse[0][j] + frame[3 + k] * inverse[1][j] + frame[6 + k] * inverse[2][j]),
      );
    } else {
      const { min, max } = mouthBoxes[p - eyes.length];
      for (let corner = 0; corner < 8; corner++) {
        const x = [0, 1, 2].map((k) => ((corner >> k) & 1 ? max[k] : min[k]));
        for (let k = 0; k < 3; k++) {
          const y = m[4 * k] * x[0] + m[4 * k + 1] * x[1] + m[4 * k + 2] * x[2] + m[4 * k + 3];
          mouthMin[k] = Math.min(mouthMin[k], y);
          mouthMax[k] = Math.max(mouthMax[k], y);
        }
      }
    }
    inverse.forEach((row, k) => {
      templateFromPosed.set(row, 12 * p + 4 * k);
    });
  }
  return { templateFromPosed, scales, mouthMin, mouthMax };
}

function cross(a: readonly number[], b: readonly number[]): [number, number, number] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** A baked face read on the CPU as the shader reads it: twin of shaders/chunks/field.glsl. */
export interface BakedField {
  /** Reads of D so far, most of them with one of T. */
  readonly reads: number;
  /** The signed distance, metres. `part` gets the number of the part that is nearest, `canonical` the skin's canonical point and its sheet. */
  distance(x: number, y: number, z: number): number;
  part(): number;
  /** How much T falls there by the metre along a direction; 1 on parts. */
  fall(direction: readonly number[]): number;
  /** Whether that point was near eyes or lips. */
  isFine(): boolean;
  /** The outward unit normal at a point near the one that `distance` was asked about last, of that one's part. */
  normal(x: number, y: number, z: number): [number, number, number];
  /** UV of such a point, on the chart of its part. @param shift - from the one that `distance` was asked about, metres. */
  uv(x: number, y: number, z: number, shift?: readonly number[]): [number, number];
}

interface Filtered {
  size: readonly [number, number, number];
  values: Float32Array;
  channels: number;
}

/** A texture's trilinear filter at texel coordinates (0 is the first texel's centre), clamped to the edge. */
function filter({ size, values, channels }: Filtered, x: number, y: number, z: number, out: Float64Array): void {
  const [nx, ny, nz] = size;
  const base = (q: number, n: number) => Math.min(Math.max(q, 0), n - 1);
  const [qx, qy, qz] = [base(x, nx), base(y, ny), base(z, nz)];
  const [i, j, k] = [Math.floor(qx), Math.floor(qy), Math.floor(qz)];
  out.fill(0);
  for (let c = 0; c < 8; c++) {
    const [a, b, d] = [
      Math.min(i + (c & 1), nx - 1),
      Math.min(j + ((c >> 1) & 1), ny - 1),
      Math.min(k + (c >> 2), nz - 1),
    ];
    const w = (c & 1 ? qx - i : 1 - qx + i) * ((c >> 1) & 1 ? qy - j : 1 - qy + j) * (c >> 2 ? qz - k : 1 - qz + k);
    if (w === 0) continue;
    const at = channels * (a + nx * (b + ny * d));
    for (let n = 0; n < channels; n++) out[n] += w * values[at + n];
  }
}

function floats(half: Uint16Array): Float32Array {
  return Float32Array.from(half, decodeHalf);
}

export function createBakedField(fixed: StaticBake, bake: PosedBake): BakedField {
  const { template, parts, eyes, mouthBoxes } = fixed;
  const { volume } = bake;
  const deformation: Filtered = { size: volume.size, values: floats(volume.data), channels: CHANNELS };
  const bricks: Filtered = {
    size: template.fieldSize,
    values: Float32Array.from(template.field, (x, n) => (x / 127) * (n % 4 === 3 ? template.range : GRADIENT_RANGE)),
    channels: 4,
  };
  const charts: Filtered = { size: template.uvSize, values: floats(template.uv), channels: 2 };
  const grids: Filtered = { size: parts.size, values: floats(parts.distance), channels: 1 };
  const uniforms = computePartUniforms(fixed, bake.partTransforms);
  const d = new Float64Array(CHANNELS);
  const one = new Float64Array(1);
  const four = new Float64Array(4);
  const two = new Float64Array(2);
  let reads = 0;
  let nearest = 0;
  let block = 0;
  const deformed = new Float64Array(CHANNELS);
  let asked: readonly number[] = [0, 0, 0];
  let gradient: readonly number[] = [0, 0, 0];
  let brick: ReturnType<typeof locate> | undefined;

  const inside = ({ origin, step, size }: DeformationBlock, p: readonly number[]) =>
    [0, 1, 2].every((k) => p[k] >= origin[k] && p[k] <= origin[k] + step * (size[k] - 1));

  function readBlock(b: number, p: readonly number[]): void {
    const { origin, step, size, offset } = volume.blocks[b];
    const q = [0, 1, 2].map((k) => Math.min(Math.max((p[k] - origin[k]) / step, 0), size[k] - 1));
    filter(deformation, q[0] + offset[0], q[1] + offset[1], q[2] + offset[2], d);
  }

  /** The brick of a canonical point: its four numbers, where in the brick, in bricks, and how far outside of all bricks, metres. */
  function locate(s: number, c: ArrayLike<number>) {
    const { origin, size, layer } = template.sheets[s];
    const b = [0, 1, 2].map((k) => (c[k] - origin[k]) / template.edge);
    const kept = b.map((x, k) => Math.min(Math.max(x, 0), size[k]));
    const beyond = template.edge * Math.hypot(b[0] - kept[0], b[1] - kept[1], b[2] - kept[2]);
    const cell = kept.map((x, k) => Math.min(Math.floor(x), size[k] - 1));
    const [nx, ny] = template.index.size;
    const at = 4 * (cell[0] + nx * (cell[1] + ny * (cell[2] + layer)));
    return { entry: template.index.data.subarray(at, at + 4), within: kept.map((x, k) => x - cell[k]), beyond };
  }

  /** T of a sheet at a canonical point, its gradient, and the brick that they are from. */
  function readTemplate(s: number, c: ArrayLike<number>) {
    const at = locate(s, c);
    const { entry, within, beyond } = at;
    const cells = cellsOfEntry(entry[3]);
    if (cells === 0) {
      const g = [0, 1, 2].map((k) => (entry[k] - 128) / 127);
      const slope = g.reduce((sum, component, k) => sum + component * (within[k] - 0.5), 0);
      return { value: beyond + decodeFar(entry[3]) + template.edge * slope, gradient: g, at };
    }
    const q = within.map((x, k) => entry[k] * (cells + 1) + x * cells);
    filter(bricks, q[0], q[1], q[2], four);
    return { value: four[3] + beyond, gradient: [four[0], four[1], four[2]], at };
  }

  function skin(p: readonly number[]): number {
    const { blocks } = volume;
    const inMouth = inside(blocks[BLOCKS.mouth], p);
    const ofHead = inMouth
      ? BLOCKS.mouth
      : inside(blocks[BLOCKS.eyeLeft], p)
        ? BLOCKS.eyeLeft
        : inside(blocks[BLOCKS.eyeRight], p)
          ? BLOCKS.eyeRight
          : BLOCKS.head;
    asked = p;
    const among: number[] = [ofHead];
    if (inside(blocks[BLOCKS.jaw], p)) among.push(inMouth ? BLOCKS.jawMouth : BLOCKS.jaw);
    let best = Number.POSITIVE_INFINITY;
    among.forEach((b, sheet) => {
      readBlock(b, p);
      reads++;
      const found = readTemplate(sheet, [p[0] + d[0], p[1] + d[1], p[2] + d[2]]);
      if (found.value + d[3] >= best) return;
      best = found.value + d[3];
      block = b;
      deformed.set(d);
      gradient = found.gradient;
      brick = found.at;
    });
    return best;
  }

  function toTemplate(part: number, p: readonly number[]): [number, number, number] {
    const m = uniforms.templateFromPosed.subarray(12 * part, 12 * part + 12);
    const row = (k: number) => m[4 * k] * p[0] + m[4 * k + 1] * p[1] + m[4 * k + 2] * p[2] + m[4 * k + 3];
    return [row(0), row(1), row(2)];
  }

  function eyeDistance(e: number, p: readonly number[]): number {
    const q = toTemplate(e, p);
    const { radius, bulge } = eyes[e];
    const small = radius * 0.62;
    const ball = Math.hypot(...q) - radius;
    const cornea = Math.hypot(q[0], q[1], q[2] - (bulge - small)) - small;
    const k = 0.0012;
    const h = Math.min(Math.max(0.5 + (0.5 * (cornea - ball)) / k, 0), 1);
    return (cornea + (ball - cornea) * h - k * h * (1 - h)) * uniforms.scales[e];
  }

  function mouthPartDistance(part: number, p: readonly number[]): number {
    const q = toTemplate(2 + part, p);
    const { min, max } = mouthBoxes[part];
    const within = q.map((x, k) => Math.min(Math.max(x, min[k]), max[k]));
    const beyond = Math.hypot(q[0] - within[0], q[1] - within[1], q[2] - within[2]);
    const wall = Math.max(...q.map((x, k) => Math.max(min[k] - x, x - max[k])));
    const { origin, step, layer } = parts.grids[part];
    const g = within.map((x, k) => (x - origin[k]) / step);
    filter(grids, g[0], g[1], g[2] + layer, one);
    return Math.max(one[0] + beyond, wall) * uniforms.scales[2 + part];
  }

  return {
    get reads() {
      return reads;
    },
    distance(x, y, z) {
      const p = [x, y, z];
      let best = skin(p);
      nearest = 0;
      const offer = (value: number, part: number) => {
        if (value < best) {
          best = value;
          nearest = part;
        }
      };
      for (const e of [0, 1]) {
        if (inside(volume.blocks[BLOCKS.eyeLeft + e], p)) offer(eyeDistance(e, p), 1 + e);
      }
      if ([0, 1, 2].every((k) => p[k] >= uniforms.mouthMin[k] && p[k] <= uniforms.mouthMax[k])) {
        for (let part = 0; part < mouthBoxes.length; part++) offer(mouthPartDistance(part, p), 3 + part);
      }
      return best;
    },
    part: () => nearest,
    fall: (direction) => (nearest === 0 ? -gradient.reduce((sum, g, k) => sum + g * direction[k], 0) : 1),
    isFine: () => block !== BLOCKS.head && block !== BLOCKS.jaw,
    normal(x, y, z) {
      const sum = [0, 0, 0];
      if (nearest === 0) {
        const arm = volume.blocks[block].step / 2;
        for (let k = 0; k < 3; k++) {
          const p = asked.map((c, axis) => c + (axis === k ? arm : 0));
          readBlock(block, p);
          reads++;
          sum[k] = gradient[k] + d.reduce((dot, c, n) => dot + (c - deformed[n]) * (gradient[n] ?? 1), 0) / arm;
        }
      } else {
        const arm = 1e-3;
        for (const corner of TETRAHEDRON) {
          const p = [x + arm * corner[0], y + arm * corner[1], z + arm * corner[2]];
          const value = nearest < 3 ? eyeDistance(nearest - 1, p) : mouthPartDistance(nearest - 3, p);
          corner.forEach((c, k) => {
            sum[k] += c * value;
          });
        }
      }
      const length = Math.hypot(...sum) || 1;
      return [sum[0] / length, sum[1] / length, sum[2] / length];
    },
    uv(x, y, z, shift = [0, 0, 0]) {
      const p = [x, y, z];
      if (nearest === 0) {
        const { entry, within } = brick!;
        const cells = cellsOfEntry(entry[3]) / UV_STRIDE;
        if (cells === 0) return [0.5, 0.5];
        const moved = within.map((w, k) => Math.min(Math.max(w + shift[k] / template.edge, 0), 1));
        const q = moved.map((w, k) => entry[k] * (cells + 1) + w * cells);
        filter(charts, q[0], q[1], q[2], two);
        return [two[0] + 0.5, two[1] + 0.5];
      }
      return partUv(nearest - 1, toTemplate(nearest - 1, p), mouthBoxes);
    },
  };
}

/** Corners of a tetrahedron: one reads a gradient off the values there. */
const TETRAHEDRON = [
  [-1, 1, 1],
  [1, 1, -1],
  [1, -1, 1],
  [-1, -1, -1],
] as const;

/** The eyeball's mesh and chart end here, see parts.py. */
const EYE_CAP = (100 * Math.PI) / 180;

/** A part's own chart. Twin of `partUv` in shaders/chunks/field.glsl. @param q - template space; an eyeball's own axes. */
export function partUv(
  part: number,
  q: readonly [number, number, number],
  mouthBoxes: StaticBake['mouthBoxes'],
): [number, number] {
  const clamp = (x: number) => Math.min(Math.max(x, 0), 1);
  if (part < 2) {
    const flat = Math.max(Math.hypot(q[0], q[1]), 1e-7);
    const radius = 0.49 * Math.min(Math.atan2(flat, q[2]) / EYE_CAP, 1);
    return [clamp(0.5 + (q[0] * radius) / flat), clamp(0.5 - (q[1] * radius) / flat)];
  }
  const { min, max } = mouthBoxes[part - 2];
  if (part === 4) return [clamp((q[0] - min[0]) / (max[0] - min[0])), clamp(1 - (q[2] - min[2]) / (max[2] - min[2]))];
  const around = Math.atan2(q[0], q[2] - min[2] + 0.012) / Math.PI;
  return [clamp(0.5 + 0.98 * around), clamp(1 - (q[1] - min[1]) / (max[1] - min[1]))];
}
