/** A regular grid of points, x running fastest. */
export interface Lattice {
  /** Place of the first point, metres. */
  origin: readonly [number, number, number];
  /** Between neighbours, metres. */
  step: number;
  /** Points along each axis. */
  size: readonly [number, number, number];
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

/**
 * Gives the points without a value the mean of their neighbours that have one, outward in layers, until all have.
 *
 * @param values - `[nz, ny, nx, channels]`, changed in place.
 * @param known - 1 where there is a value; all 1 afterwards.
 */
export function fillLattice({ size }: Lattice, values: Float32Array, channels: number, known: Uint8Array): void {
  const [nx, ny, nz] = size;
  const strides = [1, nx, nx * ny];
  let front: number[] = [];
  const eachNeighbour = (at: number, visit: (neighbour: number) => void) => {
    const i = at % nx;
    const j = Math.floor(at / nx) % ny;
    const k = Math.floor(at / (nx * ny));
    if (i > 0) visit(at - 1);
    if (i < nx - 1) visit(at + 1);
    if (j > 0) visit(at - strides[1]);
    if (j < ny - 1) visit(at + strides[1]);
    if (k > 0) visit(at - strides[2]);
    if (k < nz - 1) visit(at + strides[2]);
  };
  // 2 marks a point that is to be filled in this layer, so that its neighbours of the same layer do not count yet.
  for (let at = 0; at < known.length; at++) {
    if (known[at] !== 1) continue;
    eachNeighbour(at, (n) => {
      if (known[n] !== 0) return;
      known[n] = 2;
      front.push(n);
    });
  }
  const sum = new Float64Array(channels);
  while (front.length > 0) {
    for (const at of front) {
      let count = 0;
      sum.fill(0);
      eachNeighbour(at, (n) => {
        if (known[n] !== 1) return;
        count++;
        for (let c = 0; c < channels; c++) sum[c] += values[channels * n + c];
      });
      for (let c = 0; c < channels; c++) values[channels * at + c] = sum[c] / count;
    }
    for (const at of front) known[at] = 1;
    const next: number[] = [];
    for (const at of front) {
      eachNeighbour(at, (n) => {
        if (known[n] !== 0) return;
        known[n] = 2;
        next.push(n);
      });
    }
    front = next;
  }
}
