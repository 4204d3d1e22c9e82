import { createRandom } from '@implicit-faces/test-utils';
import { beforeAll, describe, expect, it } from 'vitest';
import { createBakedField } from '../src/bake/baked-field.js';
import { createChangeKernel } from '../src/bake/change-kernel.js';
import {
  addChange,
  CHANNELS,
  COARSE_OF,
  completeBlocks,
  copyRows,
  createRowHistory,
  createValues,
  layOut,
  resetValues,
  writeBlock,
} from '../src/bake/deformation-volume.js';
import { decodeHalf, encodeHalf } from '../src/bake/half.js';
import {
  coverBox,
  fillLattice,
  latticeCount,
  latticePoints,
  sampleLattice,
  windowAround,
} from '../src/bake/lattice.js';
import { computeRestFrames, createRestMap } from '../src/bake/mesh-transfer.js';
import { markNearMesh } from '../src/bake/surface-samples.js';
import { bakeTemplate, cellsOfEntry, decodeFar, encodeFar, FINE_CELLS } from '../src/bake/template-bricks.js';
import { traceBaked } from '../src/bake/trace.js';
import { createToyBake, TOY_TEMPLATES, toyOffset } from './support/toy-bake.js';

const random = createRandom(11);

describe('half floats', () => {
  it('come back within half a unit of the last place, small ones too', () => {
    const values = Float32Array.from({ length: 4000 }, () => random.normal() * 10 ** random.uniform(-8, 3));
    const half = encodeHalf(values);
    values.forEach((value, i) => {
      expect(Math.abs(decodeHalf(half[i]) - value)).toBeLessThanOrEqual(
        Math.max(Math.abs(value) * 2 ** -11, 2 ** -25) * 1.001,
      );
    });
  });
});

it('writes some half floats where they belong and leaves the others', () => {
  const values = Float32Array.of(1, -0.5, 3e-6, 7);
  const out = new Uint16Array(6).fill(9);
  expect([...encodeHalf(values, out, 3, 2)]).toEqual([9, 9, ...encodeHalf(values.slice(0, 3)), 9]);
});

describe('lattices', () => {
  const lattice = coverBox([-0.03, 0, 0.01], [0.02, 0.04, 0.05], 5e-3);
  const linear = (x: number, y: number, z: number) => 2 * x - y + 3 * z + 0.1;
  const points = latticePoints(
    lattice,
    Uint32Array.from({ length: latticeCount(lattice) }, (_, i) => i),
  );

  it('read a linear function exactly', () => {
    const values = Float32Array.from({ length: points.length / 3 }, (_, i) =>
      linear(points[3 * i], points[3 * i + 1], points[3 * i + 2]),
    );
    const out = new Float64Array(1);
    for (let n = 0; n < 100; n++) {
      const p = [random.uniform(-0.03, 0.02), random.uniform(0, 0.04), random.uniform(0.01, 0.05)] as const;
      sampleLattice(lattice, values, 1, ...p, out);
      expect(out[0]).toBeCloseTo(linear(...p), 5);
    }
  });

  it('are filled everywhere, with no more than what was known', () => {
    const known = Uint8Array.from({ length: latticeCount(lattice) }, () => (random.uniform(0, 1) < 0.02 ? 1 : 0));
    const given = known.slice();
    const values = Float32Array.from(known, (k) => k * random.uniform(1, 2));
    fillLattice(lattice, values, 1, known);
    expect(known.every((k) => k === 1)).toBe(true);
    const kept = values.filter((_, i) => given[i]);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(Math.min(...kept) - 1e-6);
    expect(Math.max(...values)).toBeLessThanOrEqual(Math.max(...kept) + 1e-6);
  });

  it('are filled by as many layers as are wanted', () => {
    const at = [5, 4, 4];
    const known = new Uint8Array(latticeCount(lattice));
    const [nx, ny] = lattice.size;
    known[at[0] + nx * (at[1] + ny * at[2])] = 1;
    fillLattice(lattice, Float32Array.from(known), 1, known, undefined, undefined, 2);
    known.forEach((k, n) => {
      const place = [n % nx, Math.floor(n / nx) % ny, Math.floor(n / (nx * ny))];
      const steps = place.reduce((sum, p, axis) => sum + Math.abs(p - at[axis]), 0);
      expect(k).toBe(steps <= 2 ? 1 : 0);
    });
  });

  it('are filled four channels at once as by one channel after the other', () => {
    const count = latticeCount(lattice);
    const known = Uint8Array.from({ length: count }, () => (random.uniform(0, 1) < 0.02 ? 1 : 0));
    const values = Float32Array.from({ length: 4 * count }, (_, n) => known[n >> 2] * random.normal());
    const channels = [0, 1, 2, 3].map((c) => {
      const one = Float32Array.from({ length: count }, (_, n) => values[4 * n + c]);
      fillLattice(lattice, one, 1, known.slice(), undefined, undefined, 3);
      return one;
    });
    fillLattice(lattice, values, 4, known, undefined, undefined, 3);
    values.forEach((value, n) => {
      expect(value).toBe(channels[n & 3][n >> 2]);
    });
    expect(known.includes(0)).toBe(true);
  });

  it('go over into the coarse ones at their borders, as those are read', () => {
    const [coarse, fine] = [
      lattice,
      { origin: [-0.021, 0.0085, 0.0165] as const, step: 1.5e-3, size: [15, 13, 11] as const },
    ];
    const blocks = COARSE_OF.map((of, b) => createValues(of === b ? coarse : fine));
    for (const { values, known } of blocks) {
      known.fill(1);
      values.forEach((_, n) => {
        values[n] = random.normal();
      });
    }
    const before = blocks.map(({ values }) => values.slice());
    completeBlocks(blocks);
    const [nx, ny, nz] = fine.size;
    const other = new Float64Array(CHANNELS);
    for (const [b, of] of COARSE_OF.entries()) {
      if (of === b) continue;
      for (let n = 0; n < latticeCount(fine); n++) {
        const place = [n % nx, Math.floor(n / nx) % ny, Math.floor(n / (nx * ny))];
        const [x, y, z] = place.map((p, axis) => fine.origin[axis] + fine.step * p);
        sampleLattice(coarse, before[of], CHANNELS, x, y, z, other);
        const depth = Math.min(3, ...place.map((p, axis) => Math.min(p, [nx, ny, nz][axis] - 1 - p)));
        for (let c = 0; c < CHANNELS; c++) {
          const expected = (depth * before[b][CHANNELS * n + c] + (3 - depth) * other[c]) / 3;
          expect(Math.abs(blocks[b].values[CHANNELS * n + c] - expected)).toBeLessThan(1e-6);
        }
      }
    }
  });

  it('are filled in a window as if they ended there', () => {
    const window = windowAround(lattice, [-0.012, 0.01, 0.02], [0.012, 0.032, 0.041]);
    const known = Uint8Array.from({ length: latticeCount(lattice) }, () => (random.uniform(0, 1) < 0.05 ? 1 : 0));
    const values = Float32Array.from(known, (k) => k * random.uniform(1, 2));
    const [nx, ny] = lattice.size;
    const inside: number[] = [];
    for (let k = window.first[2]; k < window.end[2]; k++)
      for (let j = window.first[1]; j < window.end[1]; j++)
        for (let i = window.first[0]; i < window.end[0]; i++) inside.push(i + nx * (j + ny * k));
    const size = window.first.map((f, k) => window.end[k] - f) as [number, number, number];
    const smallValues = Float32Array.from(inside, (at) => values[at]);
    const before = { values: values.slice(), known: known.slice() };
    fillLattice(
      { ...lattice, size },
      smallValues,
      1,
      Uint8Array.from(inside, (at) => known[at]),
    );
    fillLattice(lattice, values, 1, known, window);
    inside.forEach((at, n) => {
      expect(values[at]).toBe(smallValues[n]);
      before.values[at] = values[at];
      before.known[at] = 1;
    });
    expect(values).toEqual(before.values);
    expect(known).toEqual(before.known);
  });

  it('know which of their points are near a mesh, and near which triangle', () => {
    const positions = Float32Array.of(-0.03, 0.021, 0.01, 0.02, 0.021, 0.01, -0.03, 0.021, 0.05);
    const { near, owners } = markNearMesh(
      lattice,
      positions,
      Uint32Array.of(0, 1, 2),
      Uint32Array.of(0),
      Uint8Array.of(2),
      5e-4,
    );
    near.forEach((mark, i) => {
      // The triangle lies in the plane y = 0.021: only points of the cells around it count.
      if (mark) expect(Math.abs(points[3 * i + 1] - 0.021)).toBeLessThan(5e-3);
      expect(owners[1][i]).toBe(mark ? 0 : -1);
      expect(owners[0][i]).toBe(-1);
    });
    expect(near.some(Boolean)).toBe(true);
  });

  it('know of both solids around a vertex that triangles of both share', () => {
    const corner = [0, 0.02, 0.03];
    const positions = Float32Array.of(...corner, 0.001, 0.02, 0.03, 0, 0.021, 0.03, -0.001, 0.02, 0.03, 0, 0.019, 0.03);
    const { near, owners } = markNearMesh(
      lattice,
      positions,
      Uint32Array.of(0, 1, 2, 0, 3, 4, 0, 1, 4),
      Uint32Array.of(0, 1),
      Uint8Array.of(1, 2, 3),
      5e-4,
    );
    const [nx, ny] = lattice.size;
    const [i, j, k] = corner.map((x, axis) => Math.round((x - lattice.origin[axis]) / lattice.step));
    const at = i + nx * (j + ny * k);
    expect([near[at], owners[0][at], owners[1][at]]).toEqual([1, 0, 1]);
  });
});

describe.each([true, false])('changes of twice the step, in SIMD: %s', (simd) => {
  const coarse = { origin: [0.1, 0, 0.2] as const, step: 4e-3, size: [6, 5, 7] as const };
  const fine = { origin: coarse.origin, step: 2e-3, size: [11, 9, 13] as const };
  const { blocks, size } = layOut([{ ...fine, sheet: 0 }]);
  const points = latticePoints(
    fine,
    Uint32Array.from({ length: latticeCount(fine) }, (_, i) => i),
  );

  it('are added in a window and half a step around it; those of before are forgotten', () => {
    const kernel = createChangeKernel(1e5, simd);
    const reference = kernel.floats(CHANNELS * latticeCount(fine));
    // Denormal halves, too.
    reference.forEach((_, n) => {
      reference[n] = random.uniform(-0.1, 0.1) * 10 ** random.uniform(-7, 0);
    });
    const change = createValues(coarse, kernel.floats);
    const data = kernel.halves(CHANNELS * latticeCount(fine));
    writeBlock(blocks[0], reference, size, data);
    const out = new Float64Array(CHANNELS);
    for (const [low, high] of [
      [
        [2, 1, 0],
        [5, 4, 7],
      ],
      [
        [0, 2, 3],
        [3, 5, 5],
      ],
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
    ]) {
      resetValues(change, { first: [low[0], low[1], low[2]], end: [high[0], high[1], high[2]] });
      for (let k = low[2]; k < high[2]; k++)
        for (let j = low[1]; j < high[1]; j++)
          for (let i = low[0]; i < high[0]; i++)
            for (let c = 0; c < CHANNELS; c++)
              change.values[CHANNELS * (i + 6 * (j + 5 * k)) + c] = random.uniform(-0.02, 0.02);
      addChange(blocks[0], reference, change, size, data, kernel.addRow);
      for (let i = 0; i < latticeCount(fine); i++) {
        sampleLattice(coarse, change.values, CHANNELS, points[3 * i], points[3 * i + 1], points[3 * i + 2], out);
        for (let c = 0; c < CHANNELS; c++) {
          const expected = reference[CHANNELS * i + c] + out[c];
          // Half a unit of the last place, and what places in single precision are off by.
          const unit = Math.max(Math.abs(expected) * 2 ** -11, 2 ** -25);
          expect(Math.abs(decodeHalf(data[CHANNELS * i + c]) - expected)).toBeLessThanOrEqual(unit + 4e-7);
        }
      }
    }
    // All is as the slow encoder has it once nothing changes any more.
    expect(data).toEqual(encodeHalf(reference));
  });
});

it('copies of a texture only the rows that were written since', () => {
  const size = [5, 4, 3] as const;
  const data = Uint16Array.from({ length: CHANNELS * 60 }, () => random.uniform(0, 60_000));
  const history = createRowHistory(size);
  const write = (row: number) => {
    history.written[row] = history.now;
    for (let n = 0; n < 20; n++) data[20 * row + n] = random.uniform(0, 60_000);
  };
  const copies = [copyRows(data, history), copyRows(data, history)];
  for (let turn = 0; turn < 12; turn++) {
    history.now++;
    for (let n = 0; n < turn % 4; n++) write(Math.floor(random.uniform(0, 12)));
    // One of them lags behind by several turns.
    const copy = copies[turn % 3 === 0 ? 0 : 1];
    expect(copyRows(data, history, copy)).toBe(copy);
    expect(copy).toEqual(data);
  }
  // A row that was not written is not copied; another array of the size is not taken for a copy.
  const latest = copies[1];
  latest[0] ^= 1;
  expect(copyRows(data, history, latest)[0]).toBe(data[0] ^ 1);
  expect(copyRows(data, history, new Uint16Array(data.length))).toEqual(data);
});

it('adds a row of changes in SIMD as its twin does', () => {
  const [fast, slow] = [true, false].map((simd) => createChangeKernel(1e5, simd));
  const [count, coarse] = [301, 152];
  const [out, twin] = [fast, slow].map((kernel) => {
    const random = createRandom(4);
    const reference = kernel.floats(CHANNELS * count);
    const rows = [0, 1, 2, 3].map(() => kernel.floats(CHANNELS * coarse));
    for (const values of [reference, ...rows])
      for (let n = 0; n < values.length; n++) values[n] = random.normal() * 10 ** random.uniform(-7, 2);
    const halves = kernel.halves(CHANNELS * count);
    const [a, b, c, d] = rows.map((row) => row.byteOffset);
    // An odd number of texels and an even one.
    kernel.addRow(halves.byteOffset + 8 * 6, reference.byteOffset + 16 * 6, a + 48, b + 48, c + 48, d + 48, 191);
    kernel.addRow(halves.byteOffset + 8 * 198, reference.byteOffset, a, b, c, d, 98);
    return halves;
  });
  out.forEach((half, n) => {
    // Sums are rounded in another order.
    expect(Math.abs(half - twin[n])).toBeLessThanOrEqual(1);
    const texel = Math.floor(n / CHANNELS);
    if (texel < 6 || texel === 197 || texel >= 296) expect(half).toBe(0);
  });
  expect(new Set(out).size).toBeGreaterThan(500);
});

it('takes points along with a rigidly moved mesh', () => {
  const rest = Float32Array.of(0, 0, 0, 0.01, 0, 0, 0, 0.008, 0.002);
  const [c, s] = [Math.cos(0.5), Math.sin(0.5)];
  const move = (x: number, y: number, z: number) => [c * x - s * y + 0.03, s * x + c * y - 0.01, z + 0.02];
  const positions = Float32Array.from([0, 1, 2].flatMap((v) => move(rest[3 * v], rest[3 * v + 1], rest[3 * v + 2])));
  const mesh = { rest, moves: [], triangles: Uint32Array.of(0, 1, 2) };
  const restMap = createRestMap(mesh, computeRestFrames(mesh), positions);
  const out = new Float64Array(3);
  restMap(0, [0, 0, 0, ...move(0.004, 0.003, 0.006)], 1, out);
  expect([...out]).toBeCloseToTensor([0.004, 0.003, 0.006], 1e-8);
});

it('keeps the sign and a few percent of a far distance', () => {
  for (const d of [-0.1, -0.003, 0.002, 0.05, 0.14]) {
    const code = encodeFar(d);
    expect(Number.isInteger(code) && code >= 0 && code < 255).toBe(true);
    expect(Math.abs(decodeFar(code) - d)).toBeLessThan(0.003);
    expect(Math.sign(decodeFar(code))).toBe(Math.sign(d));
  }
});

describe('a baked field', () => {
  let toy: Awaited<ReturnType<typeof createToyBake>>;
  beforeAll(async () => {
    toy = await createToyBake();
  }, 60_000);

  it('is the fields that were baked, near the surface', () => {
    const field = createBakedField(toy.fixed, toy.bake);
    let near = 0;
    for (let n = 0; n < 600; n++) {
      const direction = [random.normal(), random.normal(), random.normal()];
      const scale = (0.09 + random.uniform(-0.002, 0.002)) / Math.hypot(...direction);
      // Behind, where there is only the head.
      const [x, y, z] = [direction[0] * scale, direction[1] * scale, -Math.abs(direction[2] * scale)];
      const o = toyOffset(0, x, y);
      const expected = TOY_TEMPLATES[0](x + o[0], y + o[1], z + o[2]);
      // Farther off, between bricks, it is known to first order only.
      if (Math.abs(expected) > 2e-3) continue;
      near++;
      expect(Math.abs(field.distance(x, y, z) - expected)).toBeLessThan(1e-4);
      expect(field.part()).toBe(0);
    }
    expect(near).toBeGreaterThan(50);
  });

  it('samples finer only where the surface bends much, which brings it nearer', async () => {
    // A ball cut by a plane has a sharp rim.
    const truth = (x: number, y: number, z: number) => Math.max(Math.hypot(x, y, z) - 0.05, y - 0.02);
    let asked = 0;
    const fields = {
      distance: async (_sheet: number, p: Float32Array) => {
        asked += p.length / 3;
        return Float32Array.from({ length: p.length / 3 }, (_, i) => truth(p[3 * i], p[3 * i + 1], p[3 * i + 2]));
      },
      uv: async (p: Float32Array) => new Float32Array((2 * p.length) / 3),
    };
    const bounds = { min: [-0.06, -0.06, -0.06], max: [0.06, 0.06, 0.06] };
    const { fixed, bake } = toy;
    const still = { ...bake, volume: { ...bake.volume, data: new Uint16Array(bake.volume.data.length) } };
    const measure = async (refineAbove: number) => {
      asked = 0;
      const template = await bakeTemplate(fields, 1, bounds, { spacing: 2e-3, refineAbove });
      const field = createBakedField({ ...fixed, template }, still);
      let worst = 0;
      const rim = Math.sqrt(0.05 ** 2 - 0.02 ** 2);
      for (let n = 0; n < 200; n++) {
        // Behind, where neither jaw nor parts are.
        const angle = random.uniform(Math.PI + 0.5, 2 * Math.PI - 0.5);
        const [r, y] = [rim + random.uniform(-1e-3, 1e-3), 0.02 + random.uniform(-1e-3, 1e-3)];
        const p = [r * Math.cos(angle), y, r * Math.sin(angle)] as const;
        worst = Math.max(worst, Math.abs(field.distance(...p) - truth(...p)));
      }
      const codes = template.index.data.filter((_, n) => n % 4 === 3).map(cellsOfEntry);
      return {
        worst,
        asked,
        fine: codes.filter((c) => c === FINE_CELLS).length,
        bricks: codes.filter((c) => c > 0).length,
      };
    };
    const [coarse, fine] = [await measure(Number.POSITIVE_INFINITY), await measure(2e-4)];
    expect(coarse.fine).toBe(0);
    expect(fine.bricks).toBe(coarse.bricks);
    expect(fine.fine).toBeGreaterThan(8);
    expect(fine.fine).toBeLessThan(fine.bricks / 2);
    expect(fine.worst).toBeLessThan(0.6 * coarse.worst);
  });

  it('has finer bricks where the surface bends more, and reads both kinds', () => {
    const { template } = toy.fixed;
    const [nx, ny] = template.index.size;
    const kinds = template.sheets.map(({ layer, size }) => {
      const entries = template.index.data.subarray(4 * nx * ny * layer, 4 * nx * ny * (layer + size[2]));
      return new Set(entries.filter((_, n) => n % 4 === 3).map(cellsOfEntry));
    });
    expect(kinds.map((k) => k.has(FINE_CELLS))).toEqual([false, true]);
    // The jaw's lower side, where the head is not.
    const field = createBakedField(toy.fixed, toy.bake);
    let near = 0;
    for (let n = 0; n < 200; n++) {
      const [a, b] = [random.uniform(-0.6, 0.6), random.uniform(-0.6, 0.6)];
      const p = [
        0.045 * Math.sin(a),
        -0.06 - 0.045 * Math.cos(a) * Math.cos(b),
        0.06 + 0.045 * Math.cos(a) * Math.sin(b),
      ];
      const o = toyOffset(1, p[0], p[1]);
      const c = p.map((x, k) => x + o[k]);
      const expected = TOY_TEMPLATES[1](c[0], c[1], c[2]);
      if (Math.abs(expected) > 2e-3) continue;
      near++;
      expect(Math.abs(field.distance(p[0], p[1], p[2]) - expected)).toBeLessThan(1e-4);
      expect(field.uv(p[0], p[1], p[2])).toBeCloseToTensor([0.5 + 4 * c[0], 0.5 - 4 * c[1]], 2e-3);
    }
    expect(near).toBeGreaterThan(30);
  });

  it('is traced to the zero set, parts included', () => {
    const field = createBakedField(toy.fixed, toy.bake);
    const seen = new Set<number>();
    for (let n = 0; n < 400; n++) {
      const origin = [random.uniform(-0.1, 0.1), random.uniform(-0.1, 0.1), 0.5];
      const hit = traceBaked(field, origin, [0, 0, -1], 0.36, 0.64);
      if (!hit) continue;
      seen.add(hit.part);
      expect(Math.abs(field.distance(origin[0], origin[1], 0.5 - hit.t))).toBeLessThan(6e-4);
      expect(Math.hypot(...hit.normal)).toBeCloseTo(1, 5);
    }
    expect([0, 1, 2].every((part) => seen.has(part))).toBe(true);
  });
});
