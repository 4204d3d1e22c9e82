import type { PartMesh } from './types.js';

/** How far under the lowest place of the neck's rim the solid ends, metres, as f does. */
const FLOOR_BELOW = 4e-3;

/** The neck's end, below the rim of an open mesh: a wall straight down and a flat floor. */
export interface Wall {
  /** `[R]` vertices on the rim, each of which has a foot; in order, loop by loop. */
  rim: Uint32Array;
  /** `[F, 3]` the mesh's triangles, the wall's and the floor's. Vertices behind the mesh's are the feet, then the floor's middle. */
  triangles: Uint32Array;
}

/** Closes a mesh of `count` vertices along its edges that have a triangle on one side only. @param triangles - `[F, 3]`, counter-clockwise seen from outside. */
export function buildWall(triangles: Uint32Array, count: number): Wall {
  const key = (a: number, b: number) => a * 0x4000000 + b;
  const edges = new Map<number, [number, number]>();
  for (let t = 0; t < triangles.length; t += 3) {
    for (let k = 0; k < 3; k++) {
      const [a, b] = [triangles[t + k], triangles[t + ((k + 1) % 3)]];
      edges.set(key(a, b), [a, b]);
    }
  }
  const after = new Map([...edges.values()].filter(([a, b]) => !edges.has(key(b, a))));
  const feet = new Map<number, number>();
  for (const start of after.keys()) for (let v = start; !feet.has(v); v = after.get(v)!) feet.set(v, count + feet.size);
  const middle = count + feet.size;
  const added = [...feet].flatMap(([a, footA]) => {
    const b = after.get(a)!;
    const footB = feet.get(b)!;
    return [b, a, footA, b, footA, footB, footB, footA, middle];
  });
  return { rim: Uint32Array.from(feet.keys()), triangles: Uint32Array.from([...triangles, ...added]) };
}

/**
 * A posed mesh with its feet and the floor's middle; as it is where it has no rim.
 *
 * @param positions - `[V, 3]`, y up.
 * @param below - how far under the rim's lowest place the floor is, in the mesh's units: metres unless told.
 * @returns `[V + R + 1, 3]`
 */
export function standOnFloor(positions: Float32Array, { rim }: Wall, below = FLOOR_BELOW): Float32Array {
  if (rim.length === 0) return positions;
  const out = new Float32Array(positions.length + 3 * (rim.length + 1));
  out.set(positions);
  const floor = rim.reduce((lowest, v) => Math.min(lowest, positions[3 * v + 1]), Number.POSITIVE_INFINITY) - below;
  const middle = positions.length + 3 * rim.length;
  out[middle + 1] = floor;
  rim.forEach((v, k) => {
    const foot = positions.length + 3 * k;
    out[foot + 1] = floor;
    for (const axis of [0, 2]) {
      out[foot + axis] = positions[3 * v + axis];
      out[middle + axis] += positions[3 * v + axis] / rim.length;
    }
  });
  return out;
}

/** Numbers of a mesh's vertices `[V * size]` with those of the feet, which are the rim's, and the middle's. */
export function extendToFeet(
  values: Float32Array,
  size: number,
  { rim }: Wall,
  middle: readonly number[],
): Float32Array {
  const feet = [...rim].flatMap((v) => [...values.subarray(size * v, size * v + size)]);
  return Float32Array.from([...values, ...feet, ...middle]);
}

/** A skin on its wall and floor. It is shaded as before; the wall goes on as the rim is, with its texels. */
export function closeNeck<M extends PartMesh>(mesh: M, wall = buildWall(mesh.indices, mesh.normals.length / 3)): M {
  const { positions, normals, uvs } = mesh;
  if (wall.rim.length === 0) return mesh;
  const [first] = wall.rim;
  return {
    ...mesh,
    positions: standOnFloor(positions, wall),
    normals: extendToFeet(normals, 3, wall, [0, -1, 0]),
    uvs: extendToFeet(uvs, 2, wall, [uvs[2 * first], uvs[2 * first + 1]]),
    indices: wall.triangles,
  };
}
