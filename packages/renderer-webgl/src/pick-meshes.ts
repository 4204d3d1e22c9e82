import { dot, normalise, type Vec3 } from './lighting.js';
import { invert4, multiply4 } from './matrices.js';
import type { PartMesh, RenderOptions } from './types.js';

/** Where a ray meets a mesh. */
export interface MeshHit {
  /** `skin`, `eyeLeft`, ... */
  part: string;
  /** On the part's chart, v down. */
  uv: [u: number, v: number];
  /** Metres, world space. */
  position: Vec3;
  /** Metres along the ray. */
  distance: number;
}

/**
 * The ray that a pixel sees along.
 *
 * @param x - of the viewport, -1 at the left to 1 at the right; `y` -1 at the bottom to 1 at the top.
 * @returns world space: a place on the near plane, and a unit vector away from the camera.
 */
export function castRay(
  { clipFromCamera, cameraFromWorld }: Pick<RenderOptions, 'clipFromCamera' | 'cameraFromWorld'>,
  x: number,
  y: number,
): { origin: Vec3; direction: Vec3 } {
  const m = invert4(multiply4(clipFromCamera, cameraFromWorld));
  const unproject = (z: number): Vec3 => {
    const row = (k: number) => m[k] * x + m[4 + k] * y + m[8 + k] * z + m[12 + k];
    return [row(0) / row(3), row(1) / row(3), row(2) / row(3)];
  };
  const [origin, far] = [unproject(-1), unproject(1)];
  return { origin, direction: normalise(subtract(far, origin)) };
}

/**
 * The nearest front side that a ray meets (Möller & Trumbore 1997). All triangles are tried, which for an avatar's 50 thousand is a few milliseconds.
 *
 * @param direction - unit length.
 */
export function pickMeshes(
  meshes: readonly PartMesh[],
  { origin, direction }: { origin: Vec3; direction: Vec3 },
): MeshHit | undefined {
  let nearest: MeshHit | undefined;
  for (const { name, positions, uvs, indices } of meshes) {
    const corner = (i: number): Vec3 => [positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]];
    for (let t = 0; t < indices.length; t += 3) {
      const [i, j, k] = [indices[t], indices[t + 1], indices[t + 2]];
      const a = corner(i);
      const [ab, ac] = [subtract(corner(j), a), subtract(corner(k), a)];
      const p = cross(direction, ac);
      const determinant = dot(ab, p);
      // Seen from behind, or from the side.
      if (determinant <= 0) continue;
      const fromA = subtract(origin, a);
      const b = dot(fromA, p) / determinant;
      if (b < 0 || b > 1) continue;
      const q = cross(fromA, ab);
      const c = dot(direction, q) / determinant;
      if (c < 0 || b + c > 1) continue;
      const distance = dot(ac, q) / determinant;
      if (distance < 0 || (nearest && distance >= nearest.distance)) continue;
      const at = (axis: number) => (1 - b - c) * uvs[2 * i + axis] + b * uvs[2 * j + axis] + c * uvs[2 * k + axis];
      const [x, y, z] = origin.map((o, axis) => o + distance * direction[axis]);
      nearest = { part: name, uv: [at(0), at(1)], position: [x, y, z], distance };
    }
  }
  return nearest;
}

function subtract(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
