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
 * @param values - `[nz, ny, nx, channels]`, zero where unknown, changed in place.
 * @param known - 1 where there is a value; all 1 afterwards.
 */
export function fillLattice({ size }: Lattice, values: Float32Array, channels: number, known: Uint8Array): void {
  const [nx, ny, nz] = size;
  const plane = nx * ny;
  // Points in the order in which they are reached. In `known`, 2 marks those of the layer being filled, which do not count for each other.
  const queue = new Int32Array(known.length);
  let end = 0;
  const reach = (at: number) => {
    if (known[at] !== 0) return;
    known[at] = 2;
    queue[end++] = at;
  };
  const reachNeighbours = (at: number) => {
    const i = at % nx;
    const j = Math.floor(at / nx) % ny;
    if (i > 0) reach(at - 1);
    if (i < nx - 1) reach(at + 1);
    if (j > 0) reach(at - nx);
    if (j < ny - 1) reach(at + nx);
    if (at >= plane) reach(at - plane);
    if (at < plane * (nz - 1)) reach(at + plane);
  };
  for (let at = 0; at < known.length; at++) if (known[at] === 1) reachNeighbours(at);
  for (let begin = 0; begin < end; ) {
    const layerEnd = end;
    for (let n = begin; n < layerEnd; n++) {
      const at = queue[n];
      const i = at % nx;
      const j = Math.floor(at / nx) % ny;
      const to = channels * at;
      let count = 0;
      for (let side = 0; side < 6; side++) {
        const from =
          side === 0
            ? i > 0
              ? at - 1
              : -1
            : side === 1
              ? i < nx - 1
                ? at + 1
                : -1
              : side === 2
                ? j > 0
                  ? at - nx
                  : -1
                : side === 3
                  ? j < ny - 1
                    ? at + nx
                    : -1
                  : side === 4
                    ? at - plane
                    : at < plane * (nz - 1)
                      ? at + plane
                      : -1;
        if (from < 0 || known[from] !== 1) continue;
        count++;
        for (let c = 0; c < channels; c++) values[to + c] += values[channels * from + c];
      }
      for (let c = 0; c < channels; c++) values[to + c] /= count;
    }
    for (let n = begin; n < layerEnd; n++) known[queue[n]] = 1;
    for (let n = begin; n < layerEnd; n++) reachNeighbours(queue[n]);
    begin = layerEnd;
  }
}
