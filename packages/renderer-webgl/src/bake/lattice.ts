/** A regular grid of points, x running fastest. */
export interface Lattice {
  /** Place of the first point, metres. */
  origin: readonly [number, number, number];
  /** Between neighbours, metres. */
  step: number;
  /** Points along each axis. */
  size: readonly [number, number, number];
}

/** Part of a lattice: points from `first` up to but without `end`, along each axis. */
export interface LatticeWindow {
  first: readonly [number, number, number];
  end: readonly [number, number, number];
}

export function wholeWindow({ size }: Lattice): LatticeWindow {
  return { first: [0, 0, 0], end: size };
}

export function isEmpty({ first, end }: LatticeWindow): boolean {
  return first.some((f, k) => f >= end[k]);
}

/** Numbers of a window's first point and of the one behind its last; points beyond the window lie between them as well. */
export function windowRange({ size: [nx, ny] }: Lattice, window: LatticeWindow): [begin: number, end: number] {
  if (isEmpty(window)) return [0, 0];
  const { first, end } = window;
  return [first[0] + nx * (first[1] + ny * first[2]), end[0] + nx * (end[1] - 1 + ny * (end[2] - 1))];
}

/** The points of a lattice whose cells a box touches, if any. */
export function windowAround(
  { origin, step, size }: Lattice,
  min: ArrayLike<number>,
  max: ArrayLike<number>,
): LatticeWindow {
  const first = origin.map((o, k) => Math.min(Math.max(Math.floor((min[k] - o) / step), 0), size[k]));
  const end = origin.map((o, k) => Math.max(Math.min(Math.ceil((max[k] - o) / step) + 1, size[k]), first[k]));
  return { first: [first[0], first[1], first[2]], end: [end[0], end[1], end[2]] };
}

export function latticeCount({ size }: Lattice): number {
  return size[0] * size[1] * size[2];
}

/** The lattice of a step, at whole multiples of it, that covers a box. */
export function coverBox(min: ArrayLike<number>, max: ArrayLike<number>, step: number): Lattice {
  const first = [0, 1, 2].map((k) => Math.floor(min[k] / step));
  const size = first.map((f, k) => Math.ceil(max[k] / step) - f + 1);
  return { origin: [first[0] * step, first[1] * step, first[2] * step], step, size: [size[0], size[1], size[2]] };
}

/** Places of some of a lattice's points. @param which - numbers of points. @returns `[N, 3]`, metres. */
export function latticePoints({ origin, step, size }: Lattice, which: ArrayLike<number>): Float32Array {
  const out = new Float32Array(3 * which.length);
  for (let i = 0; i < which.length; i++) {
    const at = which[i];
    out[3 * i] = origin[0] + step * (at % size[0]);
    out[3 * i + 1] = origin[1] + step * (Math.floor(at / size[0]) % size[1]);
    out[3 * i + 2] = origin[2] + step * Math.floor(at / (size[0] * size[1]));
  }
  return out;
}

/**
 * Reads a lattice of vectors trilinearly; outside, the nearest place on its border counts. Twin of what a graphics card's filter does.
 *
 * @param values - `[nz, ny, nx, channels]`
 * @param out - destination `[channels]`.
 */
export function sampleLattice(
  { origin, step, size }: Lattice,
  values: ArrayLike<number>,
  channels: number,
  x: number,
  y: number,
  z: number,
  out: Float32Array | Float64Array,
): void {
  const [nx, ny, nz] = size;
  const qx = Math.min(Math.max((x - origin[0]) / step, 0), nx - 1);
  const qy = Math.min(Math.max((y - origin[1]) / step, 0), ny - 1);
  const qz = Math.min(Math.max((z - origin[2]) / step, 0), nz - 1);
  const i = Math.min(Math.floor(qx), nx - 2);
  const j = Math.min(Math.floor(qy), ny - 2);
  const k = Math.min(Math.floor(qz), nz - 2);
  const fx = qx - i;
  const fy = qy - j;
  const fz = qz - k;
  const c = channels;
  const at = c * (i + nx * (j + ny * k));
  const dy = c * nx;
  const dz = c * nx * ny;
  const w000 = (1 - fx) * (1 - fy) * (1 - fz);
  const w100 = fx * (1 - fy) * (1 - fz);
  const w010 = (1 - fx) * fy * (1 - fz);
  const w110 = fx * fy * (1 - fz);
  const w001 = (1 - fx) * (1 - fy) * fz;
  const w101 = fx * (1 - fy) * fz;
  const w011 = (1 - fx) * fy * fz;
  const w111 = fx * fy * fz;
  for (let n = 0; n < c; n++) {
    const a = at + n;
    out[n] =
      w000 * values[a] +
      w100 * values[a + c] +
      w010 * values[a + dy] +
      w110 * values[a + dy + c] +
      w001 * values[a + dz] +
      w101 * values[a + dz + c] +
      w011 * values[a + dz + dy] +
      w111 * values[a + dz + dy + c];
  }
}

/** What `fillLattice` works in, to be used again and again. */
export interface FillRoom {
  state: Uint8Array;
  queue: Int32Array;
  paddedQueue: Int32Array;
}

export function createFillRoom(lattice: Lattice): FillRoom {
  const [nx, ny, nz] = lattice.size;
  const count = latticeCount(lattice);
  return {
    state: new Uint8Array((nx + 2) * (ny + 2) * (nz + 2)),
    queue: new Int32Array(count),
    paddedQueue: new Int32Array(count),
  };
}

/**
 * Gives the points without a value the mean of their neighbours that have one, outward in layers, until all have or no more layers are wanted.
 *
 * Points are named by two numbers, their place in the lattice and in a copy of `known` that has a border around it, so that no point need ask whether it has a neighbour.
 *
 * @param values - `[nz, ny, nx, channels]`, changed in place.
 * @param known - 1 where there is a value, afterwards as well.
 * @param window - where to do so; points beyond are neither read nor changed.
 * @param layers - how many to add.
 */
export function fillLattice(
  lattice: Lattice,
  values: Float32Array,
  channels: number,
  known: Uint8Array,
  { first, end }: LatticeWindow = wholeWindow(lattice),
  { state, queue, paddedQueue }: FillRoom = createFillRoom(lattice),
  layers = Number.POSITIVE_INFINITY,
): void {
  const [nx, ny] = lattice.size;
  const [wx, wy, wz] = [end[0] - first[0], end[1] - first[1], end[2] - first[2]];
  if (wx <= 0 || wy <= 0 || wz <= 0) return;
  const [px, py] = [wx + 2, wy + 2];
  // 0 unknown, 1 known, 2 in the layer that is being filled, whose points do not count for each other, 3 beyond the border.
  state.fill(3, 0, px * py * (wz + 2));
  const steps = [1, -1, nx, -nx, nx * ny, -nx * ny];
  const paddedSteps = [1, -1, px, -px, px * py, -px * py];
  const from = new Int32Array(6);
  let count = 0;
  const eachRow = (visit: (at: number, padded: number) => void) => {
    for (let k = 0; k < wz; k++)
      for (let j = 0; j < wy; j++)
        visit(first[0] + nx * (first[1] + j + ny * (first[2] + k)), 1 + px * (1 + j + py * (1 + k)));
  };
  eachRow((at, padded) => {
    for (let i = 0; i < wx; i++) state[padded + i] = known[at + i];
  });
  const reachNeighbours = (at: number, padded: number) => {
    for (let side = 0; side < 6; side++) {
      const neighbour = padded + paddedSteps[side];
      if (state[neighbour] !== 0) continue;
      state[neighbour] = 2;
      queue[count] = at + steps[side];
      paddedQueue[count++] = neighbour;
    }
  };
  eachRow((at, padded) => {
    for (let i = 0; i < wx; i++) if (state[padded + i] === 1) reachNeighbours(at + i, padded + i);
  });
  // As the loops below for any number of channels, whose sums it rounds alike.
  const fillFour = (out: Float32Array, to: number, padded: number) => {
    let [near, x, y, z, w] = [0, 0, 0, 0, 0];
    for (let side = 0; side < 6; side++) {
      if (state[padded + paddedSteps[side]] !== 1) continue;
      const at = to + 4 * steps[side];
      x += out[at];
      y += out[at + 1];
      z += out[at + 2];
      w += out[at + 3];
      near++;
    }
    out[to] = x / near;
    out[to + 1] = y / near;
    out[to + 2] = z / near;
    out[to + 3] = w / near;
  };
  for (let begin = 0, layer = 0; begin < count && layer < layers; layer++) {
    const layerEnd = count;
    for (let n = begin; n < layerEnd; n++) {
      const to = channels * queue[n];
      if (channels === 4) {
        fillFour(values, to, paddedQueue[n]);
        continue;
      }
      let near = 0;
      for (let side = 0; side < 6; side++)
        if (state[paddedQueue[n] + paddedSteps[side]] === 1) from[near++] = to + channels * steps[side];
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let m = 0; m < near; m++) sum += values[from[m] + c];
        values[to + c] = sum / near;
      }
    }
    for (let n = begin; n < layerEnd; n++) {
      state[paddedQueue[n]] = 1;
      known[queue[n]] = 1;
    }
    for (let n = begin; n < layerEnd; n++) reachNeighbours(queue[n], paddedQueue[n]);
    begin = layerEnd;
  }
}
