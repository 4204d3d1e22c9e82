import {
  bendNormal,
  computeNormals,
  computeTangents,
  decodeNormalMap,
  type PartMesh,
  sampleMipmaps,
} from '@implicit-faces/avatar';
import { createRandom } from '@implicit-faces/test-utils';

/** Depth and half width of wrinkles and height of the grain between them, metres. */
const WRINKLE = { depth: 0.0004, width: 0.001 };
const GRAIN = { height: 0.00004, waves: 40, shortest: 0.003, longest: 0.006 };
/** A forehead's lines: how many, and how far apart they lie, metres. */
const FOREHEAD = { lines: 4, apart: 0.009, wave: 0.0015 };
const CROW_FEET = { rays: [-0.45, 0, 0.45], from: 0.006, to: 0.024 };

type Place = readonly [number, number];

/**
 * The same mesh with each triangle that lies inside cut into four, `levels` times; the old vertices come first.
 *
 * @param inside - of a vertex.
 */
export function subdivide(mesh: PartMesh, inside: (vertex: number) => boolean, levels: number): PartMesh {
  let { positions, uvs, indices } = mesh;
  let chosen = Uint8Array.from({ length: positions.length / 3 }, (_, v) => Number(inside(v)));
  for (let level = 0; level < levels; level++) {
    const places = [...uvs];
    const points = [...positions];
    const marks = [...chosen];
    const triangles: number[] = [];
    const known = new Map<number, number>();
    const middle = (a: number, b: number) => {
      const key = Math.min(a, b) * 2 ** 24 + Math.max(a, b);
      const found = known.get(key);
      if (found !== undefined) return found;
      const vertex = points.length / 3;
      for (let c = 0; c < 3; c++) points.push((positions[3 * a + c] + positions[3 * b + c]) / 2);
      for (let c = 0; c < 2; c++) places.push((uvs[2 * a + c] + uvs[2 * b + c]) / 2);
      marks.push(Math.min(chosen[a], chosen[b]));
      known.set(key, vertex);
      return vertex;
    };
    for (let t = 0; t < indices.length; t += 3) {
      const [a, b, c] = indices.subarray(t, t + 3);
      if (!(chosen[a] && chosen[b] && chosen[c])) {
        triangles.push(a, b, c);
        continue;
      }
      const [ab, bc, ca] = [middle(a, b), middle(b, c), middle(c, a)];
      triangles.push(a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca);
    }
    positions = Float32Array.from(points);
    uvs = Float32Array.from(places);
    indices = Uint32Array.from(triangles);
    chosen = Uint8Array.from(marks);
  }
  return { ...mesh, positions, uvs, indices, normals: computeNormals(positions, indices) };
}

/**
 * A face's wrinkles and grain, as heights at places of the chart, metres: lines across the forehead and between the brows, crow's feet, folds from nose to mouth.
 *
 * @param landmarks - `[68, 2]` places of iBUG's landmarks.
 * @param scale - metres per unit of the chart on the face.
 */
export function wrinkleHeights(uvs: Float32Array, landmarks: Float32Array, scale: number, seed: number): Float32Array {
  const lines = wrinkles(landmarks, scale);
  const random = createRandom(seed);
  const waves = Array.from({ length: GRAIN.waves }, () => {
    const [angle, phase] = random.uniforms(2, 0, 2 * Math.PI);
    const k = (2 * Math.PI * scale) / random.uniform(GRAIN.shortest, GRAIN.longest);
    return { u: k * Math.cos(angle), v: k * Math.sin(angle), phase };
  });
  return Float32Array.from({ length: uvs.length / 2 }, (_, i) => {
    const at: Place = [uvs[2 * i], uvs[2 * i + 1]];
    let height = 0;
    for (const line of lines) {
      const distance = scale * distanceToLine(at, line);
      height -= WRINKLE.depth * Math.exp(-(distance ** 2) / (2 * WRINKLE.width ** 2));
    }
    let grain = 0;
    for (const { u, v, phase } of waves) grain += Math.cos(u * at[0] + v * at[1] + phase);
    return height + (GRAIN.height * grain) / Math.sqrt(GRAIN.waves / 2);
  });
}

/** The mesh displaced along its normals. */
export function displace(mesh: PartMesh, heights: ArrayLike<number>): PartMesh {
  const positions = mesh.positions.map((x, i) => x + mesh.normals[i] * heights[Math.floor(i / 3)]);
  return { ...mesh, positions, normals: computeNormals(positions, mesh.indices) };
}

/** The mesh with its normal map in the normals of its vertices instead, of which there are more: for light that is known at vertices alone. */
export function bakeNormalMap(mesh: PartMesh, inside: (vertex: number) => boolean, levels: number): PartMesh {
  const { normalMap, ...rest } = mesh;
  if (!normalMap) return mesh;
  const dense = subdivide(rest, inside, levels);
  const level = { data: decodeNormalMap(normalMap), width: normalMap.width, height: normalMap.height };
  const tangents = computeTangents(dense);
  const detail = new Float64Array(3);
  const normals = dense.normals.slice();
  for (let v = 0; v < normals.length / 3; v++) {
    sampleMipmaps({ levels: [level] }, dense.uvs[2 * v], dense.uvs[2 * v + 1], 0, detail);
    const normal = Float64Array.from(dense.normals.subarray(3 * v, 3 * v + 3));
    bendNormal(normal, Float64Array.from(tangents.subarray(4 * v, 4 * v + 4)), detail);
    normals.set(normal, 3 * v);
  }
  return { ...dense, normals };
}

function wrinkles(landmarks: Float32Array, scale: number): Place[][] {
  const at = (n: number): Place => [landmarks[2 * n], landmarks[2 * n + 1]];
  const mm = 0.001 / scale;
  const lines: Place[][] = [];
  const browTop = Math.min(...[17, 18, 19, 20, 21, 22, 23, 24, 25, 26].map((n) => at(n)[1]));
  for (let k = 1; k <= FOREHEAD.lines; k++) {
    const [left, right] = [at(17)[0], at(26)[0]];
    lines.push(
      Array.from({ length: 13 }, (_, i): Place => {
        const wave = (FOREHEAD.wave / scale) * Math.sin(1.3 * i + k);
        return [left + ((right - left) * (i + 0.5)) / 13, browTop - (k * FOREHEAD.apart) / scale + wave];
      }),
    );
  }
  for (const [corner, out] of [
    [36, -1],
    [45, 1],
  ] as const) {
    const [u, v] = at(corner);
    for (const angle of CROW_FEET.rays) {
      const point = (r: number): Place => [
        u + ((out * r) / scale) * Math.cos(angle),
        v + (r / scale) * Math.sin(angle),
      ];
      lines.push([point(CROW_FEET.from), point(CROW_FEET.to)]);
    }
  }
  for (const [wing, mouth, out] of [
    [31, 48, -1],
    [35, 54, 1],
  ] as const) {
    const [[u0, v0], [u1, v1]] = [at(wing), at(mouth)];
    lines.push([
      [u0 + out * 4 * mm, v0 - 3 * mm],
      [(u0 + u1) / 2 + out * 8 * mm, (v0 + v1) / 2],
      [u1 + out * 8 * mm, v1 + 2 * mm],
    ]);
  }
  const [[u21, v21], [u22]] = [at(21), at(22)];
  for (const share of [0.35, 0.65]) {
    const u = u21 + share * (u22 - u21);
    lines.push([
      [u, v21 - 8 * mm],
      [u, v21 + 5 * mm],
    ]);
  }
  return lines;
}

function distanceToLine([x, y]: Place, line: readonly Place[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k + 1 < line.length; k++) {
    const [[ax, ay], [bx, by]] = [line[k], line[k + 1]];
    const [dx, dy] = [bx - ax, by - ay];
    const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
    least = Math.min(least, Math.hypot(x - ax - t * dx, y - ay - t * dy));
  }
  return least;
}
