import type { PartMesh, Raster } from '@implicit-faces/avatar';

/** Which triangle of the mesh each texel of its chart is on, and where in it; as in a `Raster` whose one mesh it is. */
export type ChartRaster = Omit<Raster, 'depth'>;

/** What `drawChart` draws. */
export interface DrawnChart {
  /** `[size * size, 3]`, NaN outside the chart. */
  positions: Float32Array;
  /** `[size * size, 3]` unit length. */
  normals: Float32Array;
  raster: ChartRaster;
}

/**
 * Draws a mesh flat, as its chart, and interpolates it at the texels' centres; where a chart holds two sides of a thin part (teeth), the one that is farther to the front (+Z) stays.
 *
 * On its chart a triangle is flat and so is everything on it: weights, places and normals (before they get their length) are functions a x + b y + c of the texel, so a texel costs a
 * multiplication and an addition for each, where looking up three corners costs three times as much. The function of an edge that two triangles share is computed from the same numbers in
 * both, so that one is the exact negative of the other and every texel belongs to one of them.
 *
 * @param size - texels along each side of the chart.
 */
export function drawChart(mesh: PartMesh, size: number): DrawnChart {
  const count = size * size;
  const drawn: DrawnChart = {
    positions: new Float32Array(3 * count).fill(Number.NaN),
    normals: new Float32Array(3 * count),
    raster: {
      width: size,
      height: size,
      part: new Int16Array(count).fill(-1),
      triangle: new Int32Array(count),
      barycentrics: new Float32Array(3 * count),
    },
  };
  for (let t = 0; t < mesh.indices.length; t += 3) drawTriangle(mesh, t, size, drawn);
  return drawn;
}

/**
 * Draws one triangle. A function of its own, without the arrays of destructuring: engines compile what is called ten thousand times far sooner than a long loop that is entered once, and till then box every number.
 */
function drawTriangle({ uvs, indices, positions, normals }: PartMesh, t: number, size: number, out: DrawnChart): void {
  const a = indices[t];
  const ax = size * uvs[2 * a] - 0.5;
  const ay = size * uvs[2 * a + 1] - 0.5;
  let b = indices[t + 1];
  let c = indices[t + 2];
  let bx = size * uvs[2 * b] - 0.5;
  let by = size * uvs[2 * b + 1] - 0.5;
  let cx = size * uvs[2 * c] - 0.5;
  let cy = size * uvs[2 * c + 1] - 0.5;
  const signedArea = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  // Turned where need be so that weights are positive inside.
  const isTurned = signedArea < 0;
  if (isTurned) {
    const otherX = bx;
    const otherY = by;
    bx = cx;
    by = cy;
    cx = otherX;
    cy = otherY;
    b = indices[t + 2];
    c = indices[t + 1];
  }
  const left = Math.max(0, Math.ceil(Math.min(ax, bx, cx)));
  const right = Math.min(size - 1, Math.floor(Math.max(ax, bx, cx)));
  const top = Math.max(0, Math.ceil(Math.min(ay, by, cy)));
  const bottom = Math.min(size - 1, Math.floor(Math.max(ay, by, cy)));
  // Written so that the NaN of a place that is none fails.
  if (!(signedArea !== 0 && left <= right && top <= bottom)) return;
  // A corner's weight times the area is slope x + rise y + constant: 0 along the edge across from it.
  const ux = by - cy;
  const uy = cx - bx;
  const u0 = bx * cy - by * cx;
  const vx = cy - ay;
  const vy = ax - cx;
  const v0 = cx * ay - cy * ax;
  const wx = ay - by;
  const wy = bx - ax;
  const w0 = ax * by - ay * bx;
  // On an edge itself: inside if the weight grows to the right, or else downward. The neighbour's grows the other way.
  const uTie = ux > 0 || (ux === 0 && uy > 0);
  const vTie = vx > 0 || (vx === 0 && vy > 0);
  const wTie = wx > 0 || (wx === 0 && wy > 0);
  const scale = 1 / Math.abs(signedArea);
  const pax = positions[3 * a];
  const pay = positions[3 * a + 1];
  const paz = positions[3 * a + 2];
  const pbx = positions[3 * b] - pax;
  const pby = positions[3 * b + 1] - pay;
  const pbz = positions[3 * b + 2] - paz;
  const pcx = positions[3 * c] - pax;
  const pcy = positions[3 * c + 1] - pay;
  const pcz = positions[3 * c + 2] - paz;
  const nax = normals[3 * a];
  const nay = normals[3 * a + 1];
  const naz = normals[3 * a + 2];
  const nbx = normals[3 * b] - nax;
  const nby = normals[3 * b + 1] - nay;
  const nbz = normals[3 * b + 2] - naz;
  const ncx = normals[3 * c] - nax;
  const ncy = normals[3 * c + 1] - nay;
  const ncz = normals[3 * c + 2] - naz;
  const { part, triangle, barycentrics } = out.raster;
  for (let y = top; y <= bottom; y++) {
    const uRow = uy * y + u0;
    const vRow = vy * y + v0;
    const wRow = wy * y + w0;
    let isEntered = false;
    for (let x = left; x <= right; x++) {
      const u = ux * x + uRow;
      const v = vx * x + vRow;
      const w = wx * x + wRow;
      if (u < 0 || v < 0 || w < 0 || (u === 0 && !uTie) || (v === 0 && !vTie) || (w === 0 && !wTie)) {
        if (isEntered) break;
        continue;
      }
      isEntered = true;
      const ofB = v * scale;
      const ofC = w * scale;
      const i = y * size + x;
      const at = 3 * i;
      const z = paz + ofB * pbz + ofC * pcz;
      if (z <= out.positions[at + 2]) continue; // which NaN is not
      part[i] = 0;
      triangle[i] = t / 3;
      barycentrics[at] = 1 - ofB - ofC;
      barycentrics[at + 1] = isTurned ? ofC : ofB;
      barycentrics[at + 2] = isTurned ? ofB : ofC;
      out.positions[at] = pax + ofB * pbx + ofC * pcx;
      out.positions[at + 1] = pay + ofB * pby + ofC * pcy;
      out.positions[at + 2] = z;
      const nx = nax + ofB * nbx + ofC * ncx;
      const ny = nay + ofB * nby + ofC * ncy;
      const nz = naz + ofB * nbz + ofC * ncz;
      const length = Math.sqrt(nx * nx + ny * ny + nz * nz) || 1;
      out.normals[at] = nx / length;
      out.normals[at + 1] = ny / length;
      out.normals[at + 2] = nz / length;
    }
  }
}
