import type { Random } from '@implicit-faces/test-utils';
import { BufferAttribute, BufferGeometry, DoubleSide, Ray, Vector3 } from 'three';
import { MeshBVH } from 'three-mesh-bvh';
import { distancesBetween } from './vectors.js';

/** Random places on a surface. */
export interface SurfaceSamples {
  /** `[N, 3]` */
  points: Float32Array;
  /** `[N, 3]` unit vectors, the vertices' normals in between. */
  normals: Float32Array;
}

/** Where rays first meet a surface. */
export interface SurfaceHits {
  /** `[N]`, Infinity where they do not. */
  t: Float32Array;
  /** `[N]`, |cosine| between ray and triangle's normal. */
  cosine: Float32Array;
}

/** Where a ray meets one triangle. */
export interface Crossing {
  /** Metres along the ray. */
  t: number;
  triangle: number;
  /** Whether the ray meets its outer side. */
  entering: boolean;
}

/** A triangle mesh that can be moved, sampled and asked for exact nearest points and ray hits. */
export class TriangleSurface {
  private readonly geometry = new BufferGeometry();
  private readonly bvh: MeshBVH;
  private positions: Float32Array;

  /**
   * @param positions - `[V, 3]`
   * @param triangles - `[F, 3]`, kept in their order.
   */
  constructor(
    positions: Float32Array,
    readonly triangles: Uint32Array,
  ) {
    this.positions = positions.slice();
    this.geometry.setAttribute('position', new BufferAttribute(this.positions, 3));
    this.geometry.setIndex(new BufferAttribute(triangles, 1));
    this.bvh = new MeshBVH(this.geometry, { indirect: true });
  }

  /** Moves the vertices; the tree keeps its shape, which suits faces, that are alike. */
  move(positions: Float32Array): void {
    this.positions.set(positions.subarray(0, this.positions.length));
    this.bvh.refit();
  }

  /** The exact distance of each of points `[N, 3]` -> `[N]`. */
  distances(points: Float32Array): Float32Array {
    return distancesBetween(points, this.nearest(points));
  }

  /** The surface's nearest place to each of points `[N, 3]` -> `[N, 3]`. */
  nearest(points: Float32Array): Float32Array {
    const point = new Vector3();
    const target = { point: new Vector3(), distance: 0, faceIndex: 0 };
    const out = new Float32Array(points.length);
    for (let i = 0; i < points.length; i += 3) {
      this.bvh.closestPointToPoint(point.fromArray(points, i), target);
      target.point.toArray(out, i);
    }
    return out;
  }

  /** First hits of rays, from either side. @param origins `[N, 3]` @param directions `[N, 3]`, unit vectors */
  hits(origins: Float32Array, directions: Float32Array): SurfaceHits {
    const count = origins.length / 3;
    const result = { t: new Float32Array(count).fill(Number.POSITIVE_INFINITY), cosine: new Float32Array(count) };
    const ray = new Ray();
    for (let i = 0; i < count; i++) {
      ray.origin.fromArray(origins, 3 * i);
      ray.direction.fromArray(directions, 3 * i);
      const hit = this.bvh.raycastFirst(ray, DoubleSide);
      if (!hit) continue;
      result.t[i] = hit.distance;
      result.cosine[i] = Math.abs(hit.face!.normal.dot(ray.direction));
    }
    return result;
  }

  /** All places where one ray meets the surface, by distance. @param direction - a unit vector */
  crossings(origin: Float32Array, direction: Float32Array): Crossing[] {
    const ray = new Ray(new Vector3().fromArray(origin), new Vector3().fromArray(direction));
    return this.bvh
      .raycast(ray, DoubleSide)
      .map(({ distance, faceIndex, face }) => ({
        t: distance,
        triangle: faceIndex!,
        entering: face!.normal.dot(ray.direction) < 0,
      }))
      .sort((a, b) => a.t - b.t);
  }

  /**
   * Random points, even by area over some of the triangles.
   *
   * @param chosen - indices of triangles.
   */
  sample(chosen: Uint32Array, count: number, random: Random): SurfaceSamples {
    const normals = this.vertexNormals();
    const total = new Float64Array(chosen.length);
    let sum = 0;
    chosen.forEach((triangle, i) => {
      sum += Math.hypot(...this.areaVector(triangle));
      total[i] = sum;
    });
    const result = { points: new Float32Array(3 * count), normals: new Float32Array(3 * count) };
    for (let i = 0; i < count; i++) {
      const triangle = chosen[lowerBound(total, random.uniform(0, sum))];
      const root = Math.sqrt(random.uniform());
      const share = random.uniform();
      const weights = [1 - root, root * (1 - share), root * share];
      const normal = [0, 0, 0];
      for (let corner = 0; corner < 3; corner++) {
        const vertex = this.triangles[3 * triangle + corner];
        for (let k = 0; k < 3; k++) {
          result.points[3 * i + k] += weights[corner] * this.positions[3 * vertex + k];
          normal[k] += weights[corner] * normals[3 * vertex + k];
        }
      }
      const length = Math.hypot(...normal);
      for (let k = 0; k < 3; k++) result.normals[3 * i + k] = normal[k] / length;
    }
    return result;
  }

  /** `[V, 3]` unit vectors, the triangles' around a vertex weighted by area. */
  private vertexNormals(): Float32Array {
    const normals = new Float32Array(this.positions.length);
    for (let triangle = 0; triangle < this.triangles.length / 3; triangle++) {
      const area = this.areaVector(triangle);
      for (let corner = 0; corner < 3; corner++) {
        for (let k = 0; k < 3; k++) normals[3 * this.triangles[3 * triangle + corner] + k] += area[k];
      }
    }
    for (let i = 0; i < normals.length; i += 3) {
      const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]) || 1;
      for (let k = 0; k < 3; k++) normals[i + k] /= length;
    }
    return normals;
  }

  /** A triangle's normal, twice its area long. */
  private areaVector(triangle: number): [number, number, number] {
    const [a, b, c] = [0, 1, 2].map((corner) => 3 * this.triangles[3 * triangle + corner]);
    const p = this.positions;
    const [ux, uy, uz] = [p[b] - p[a], p[b + 1] - p[a + 1], p[b + 2] - p[a + 2]];
    const [vx, vy, vz] = [p[c] - p[a], p[c + 1] - p[a + 1], p[c + 2] - p[a + 2]];
    return [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  }
}

/** The first index whose value is not below `x`. */
function lowerBound(sorted: Float64Array, x: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
