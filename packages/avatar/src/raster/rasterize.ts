import { mergeOptions } from '@implicit-faces/runtime';
import type { Camera, TriangleMesh } from '../types.js';

/** What each pixel of a picture sees, at its centre. */
export interface Raster {
  width: number;
  height: number;
  /** `[H, W]` index into the meshes, -1 where nothing is. */
  part: Int16Array;
  /** `[H, W]` triangle of that mesh: its corners are `indices[3 * triangle + 0..2]`. Means nothing where part is -1. */
  triangle: Int32Array;
  /** `[H, W, 3]` weights of the triangle's corners in space (perspective-correct), their sum is 1. Means nothing where part is -1. */
  barycentrics: Float32Array;
  /** `[H, W]` metres along the viewing axis, Infinity where nothing is. */
  depth: Float32Array;
}

export interface RasterizeOptions {
  width: number;
  height: number;
  /** Nearer than this nothing is seen, metres. */
  near?: number;
  /** Skip triangles seen from their inside. */
  cullBack?: boolean;
}

export const RASTERIZE_DEFAULTS = { near: 0.01, cullBack: false };

/** An empty raster, to be filled by `rasterize` again and again. */
export function createRaster(width: number, height: number): Raster {
  const n = width * height;
  return {
    width,
    height,
    part: new Int16Array(n),
    triangle: new Int32Array(n),
    barycentrics: new Float32Array(3 * n),
    depth: new Float32Array(n),
  };
}

/**
 * Finds what each pixel sees.
 *
 * With the corners a, b, c in camera space and the ray d of a pixel, det(d, b, c), det(a, d, c), det(a, b, d) are linear in the pixel's
 * coordinates, have one sign exactly where the ray hits, are proportional to the barycentric weights in space, and
 * det(a, b, c) / (their sum) is the depth (Olano and Greer, "Triangle scan conversion using 2D homogeneous coordinates", 1997).
 * So nothing has to be clipped: a triangle that reaches behind the camera only needs care with its bounding box. In double precision the
 * function of a shared edge is the exact negative of the neighbour's; with a tie rule every pixel belongs to one of them.
 *
 * @param out - reused when given; must be of `width x height`.
 */
export function rasterize(
  meshes: readonly TriangleMesh[],
  camera: Camera,
  options: RasterizeOptions,
  out: Raster = createRaster(options.width, options.height),
): Raster {
  const { near, cullBack } = mergeOptions(RASTERIZE_DEFAULTS, { near: options.near, cullBack: options.cullBack });
  const { cameraFromWorld: m, focalLengthPx: f, principalPointPx } = camera;
  out.part.fill(-1);
  out.depth.fill(Number.POSITIVE_INFINITY);
  const largest = meshes.reduce((most, { positions }) => Math.max(most, positions.length), 0);
  const p = new Float64Array(largest);
  const scene: Drawing = { p, f, cx: principalPointPx[0], cy: principalPointPx[1], near, cullBack, part: 0, out };
  meshes.forEach(({ positions, indices }, part) => {
    for (let i = 0; i < positions.length; i += 3) {
      const x = positions[i];
      const y = positions[i + 1];
      const z = positions[i + 2];
      p[i] = m[0] * x + m[4] * y + m[8] * z + m[12];
      p[i + 1] = m[1] * x + m[5] * y + m[9] * z + m[13];
      p[i + 2] = m[2] * x + m[6] * y + m[10] * z + m[14];
    }
    scene.part = part;
    for (let t = 0; t < indices.length; t += 3) {
      drawTriangle(scene, t / 3, 3 * indices[t], 3 * indices[t + 1], 3 * indices[t + 2]);
    }
  });
  return out;
}

/** What the triangles of a mesh are drawn with. */
interface Drawing {
  /** `[V, 3]` the mesh's vertices in camera space. */
  p: Float64Array;
  f: number;
  cx: number;
  cy: number;
  near: number;
  cullBack: boolean;
  part: number;
  out: Raster;
}

/** Draws one triangle, whose corners begin at a, b and c. A function of its own, which engines compile sooner than a long loop that is entered once. */
function drawTriangle(drawing: Drawing, index: number, a: number, b: number, c: number): void {
  const { p, f, cx, cy, near, cullBack, part: partIndex } = drawing;
  const { width, height, part, triangle, barycentrics, depth } = drawing.out;
  const ax = p[a];
  const ay = p[a + 1];
  const az = p[a + 2];
  const bx = p[b];
  const by = p[b + 1];
  const bz = p[b + 2];
  const gx = p[c];
  const gy = p[c + 1];
  const gz = p[c + 2];
  if (az > -near && bz > -near && gz > -near) return;

  // The box around what lies beyond the near plane.
  let minX = Number.POSITIVE_INFINITY;
  let minY = Number.POSITIVE_INFINITY;
  let maxX = Number.NEGATIVE_INFINITY;
  let maxY = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < 3; k++) {
    const from = k === 0 ? a : k === 1 ? b : c;
    const to = k === 0 ? b : k === 1 ? c : a;
    const fromZ = p[from + 2];
    const toZ = p[to + 2];
    if (fromZ <= -near) {
      const x = p[from] / -fromZ;
      const y = p[from + 1] / -fromZ;
      if (x < minX) minX = x;
      if (x > maxX) maxX = x;
      if (y < minY) minY = y;
      if (y > maxY) maxY = y;
    }
    if (fromZ <= -near !== toZ <= -near) {
      const share = (-near - fromZ) / (toZ - fromZ);
      const x = (p[from] + share * (p[to] - p[from])) / near;
      const y = (p[from + 1] + share * (p[to + 1] - p[from + 1])) / near;
      if (x < minX) minX = x;
      if (x > maxX) maxX = x;
      if (y < minY) minY = y;
      if (y > maxY) maxY = y;
    }
  }
  // The margin is for rounding; the edge functions decide.
  const left = Math.max(0, Math.ceil(cx + f * minX - 0.5 - 1e-6));
  const right = Math.min(width - 1, Math.floor(cx + f * maxX - 0.5 + 1e-6));
  const top = Math.max(0, Math.ceil(cy - f * maxY - 0.5 - 1e-6));
  const bottom = Math.min(height - 1, Math.floor(cy - f * minY - 0.5 + 1e-6));
  if (left > right || top > bottom) return;

  let ux = by * gz - bz * gy; // b x c
  let uy = bz * gx - bx * gz;
  let uz = bx * gy - by * gx;
  let vx = gy * az - gz * ay; // c x a
  let vy = gz * ax - gx * az;
  let vz = gx * ay - gy * ax;
  let wx = ay * bz - az * by; // a x b
  let wy = az * bx - ax * bz;
  let wz = ax * by - ay * bx;
  let volume = ax * ux + ay * uy + az * uz;
  if (volume > 0) {
    if (cullBack) return;
  } else {
    ux = -ux;
    uy = -uy;
    uz = -uz;
    vx = -vx;
    vy = -vy;
    vz = -vz;
    wx = -wx;
    wy = -wy;
    wz = -wz;
    volume = -volume;
  }
  // On an edge itself: inside if the function grows to the right, or else downward. The neighbour's grows the other way.
  const uTie = ux > 0 || (ux === 0 && uy < 0);
  const vTie = vx > 0 || (vx === 0 && vy < 0);
  const wTie = wx > 0 || (wx === 0 && wy < 0);

  for (let j = top; j <= bottom; j++) {
    const dy = (cy - (j + 0.5)) / f;
    const uRow = uy * dy - uz;
    const vRow = vy * dy - vz;
    const wRow = wy * dy - wz;
    for (let i = left; i <= right; i++) {
      const dx = (i + 0.5 - cx) / f;
      const u = ux * dx + uRow;
      const v = vx * dx + vRow;
      const w = wx * dx + wRow;
      if (u < 0 || v < 0 || w < 0) continue;
      if ((u === 0 && !uTie) || (v === 0 && !vTie) || (w === 0 && !wTie)) continue;
      const sum = u + v + w;
      const distance = volume / sum;
      const pixel = j * width + i;
      // Written so that the NaN of a degenerate triangle fails.
      if (!(distance >= near && distance < depth[pixel])) continue;
      depth[pixel] = distance;
      part[pixel] = partIndex;
      triangle[pixel] = index;
      barycentrics[3 * pixel] = u / sum;
      barycentrics[3 * pixel + 1] = v / sum;
      barycentrics[3 * pixel + 2] = w / sum;
    }
  }
}
