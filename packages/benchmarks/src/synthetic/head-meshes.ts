import { computeNormals, type PartMesh, type RgbaImage } from '@implicit-faces/avatar';
import type { Random } from '@implicit-faces/test-utils';
import { type ChartMap, REGIONS, sampleChartMap } from '@implicit-faces/uv-param';
import { type FaceKit, SKIN_END } from '../face-kit.js';
import { smoothstep } from './materials.js';

/** How far the eyes turn at full weight of an eyeLook* shape, radians: what the shapes do to the lids. */
const GAZE = { Out: 30, In: 28, Up: 25, Down: 28 } as const;
/** Rings of vertices over which hair grows to its full height, and the noise of that height. */
const HAIR_RINGS = 4;
const HAIR_NOISE = 0.15;
/** The shoulders' ellipse and how far the body goes down, metres. */
const SHOULDERS = { halfWidth: 0.2, halfDepth: 0.085, drop: 0.24, rings: 16 };

/** A mesh with smooth normals. */
export function partMesh(
  name: string,
  positions: Float32Array,
  indices: Uint32Array,
  uvs: Float32Array,
  image: RgbaImage,
): PartMesh {
  return { name, positions, indices, uvs, image, normals: computeNormals(positions, indices) };
}

/** Some of a mesh's triangles with their vertices alone; `vertices` are their old numbers. */
export function cutOut(positions: Float32Array, triangles: Uint32Array) {
  const vertices = Uint32Array.from(new Set(triangles)).sort();
  const index = new Map(Array.from(vertices, (v, i) => [v, i]));
  const own = new Float32Array(3 * vertices.length);
  vertices.forEach((v, i) => own.set(positions.subarray(3 * v, 3 * v + 3), 3 * i));
  return { vertices, positions: own, indices: triangles.map((v) => index.get(v)!) };
}

/**
 * An eyeball, turned by the eyeLook* weights as the lids are: the generator's own shapes move no eyeball.
 *
 * @param posed - the generator's vertices, at the person's identity.
 */
export function eyeMesh(
  kit: FaceKit,
  side: 'L' | 'R',
  posed: Float32Array,
  weight: (shape: string) => number,
  image: RgbaImage,
): PartMesh {
  const name = side === 'L' ? 'eyeLeft' : 'eyeRight';
  const rest = cutOut(kit.neutral, kit.parts[name]);
  const ball = cutOut(posed, kit.parts[name]);
  // The cornea's axis at rest is where the ball reaches farthest from its centre; the back three quarters are a sphere.
  const restCentre = sphereCentre(rest.positions, (z, front) => z < front);
  const centre = sphereCentre(ball.positions, (z, front) => z < front);
  const from = (at: number[], p: Float32Array, i: number) => [
    p[3 * i] - at[0],
    p[3 * i + 1] - at[1],
    p[3 * i + 2] - at[2],
  ];
  const reach = Array.from(rest.vertices, (_, i) => Math.hypot(...from(restCentre, rest.positions, i)));
  const farthest = Math.max(...reach);
  const axis = [0, 0, 0];
  reach.forEach((r, i) => {
    if (r > 0.985 * farthest) from(restCentre, rest.positions, i).forEach((x, k) => (axis[k] += x));
  });
  const z = unit(axis);
  const x = unit([z[2], 0, -z[0]]);
  const y = [z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]];
  const uvs = new Float32Array(2 * reach.length);
  reach.forEach((_, i) => {
    const d = unit(from(restCentre, rest.positions, i));
    const along = (a: number[]) => a[0] * d[0] + a[1] * d[1] + a[2] * d[2];
    const angle = Math.acos(Math.min(1, Math.max(-1, along(z)))) / (2 * Math.PI);
    const flat = Math.hypot(along(x), along(y)) || 1;
    uvs.set([0.5 + (angle * along(x)) / flat, 0.5 - (angle * along(y)) / flat], 2 * i);
  });
  const radians = (direction: keyof typeof GAZE) =>
    (weight(`eyeLook${direction}_${side}`) * GAZE[direction] * Math.PI) / 180;
  const yaw = (side === 'L' ? 1 : -1) * (radians('Out') - radians('In'));
  const pitch = radians('Up') - radians('Down');
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const turned = ball.positions.slice();
  for (let i = 0; i < reach.length; i++) {
    const [dx, dy, dz] = from(centre, ball.positions, i);
    const up = cp * dy + sp * dz;
    const forward = cp * dz - sp * dy;
    turned.set([centre[0] + cy * dx + sy * forward, centre[1] + up, centre[2] + cy * forward - sy * dx], 3 * i);
  }
  return partMesh(name, turned, ball.indices, uvs, image);
}

/** The centre of the sphere nearest to the hinder vertices of an eyeball (Coope's linear least squares). */
function sphereCentre(positions: Float32Array, isHinder: (z: number, front: number) => boolean): number[] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 2; i < positions.length; i += 3) {
    low = Math.min(low, positions[i]);
    high = Math.max(high, positions[i]);
  }
  const mean = [0, 0, 0];
  const chosen: number[] = [];
  for (let i = 0; i < positions.length; i += 3) {
    if (!isHinder(positions[i + 2], low + 0.7 * (high - low))) continue;
    chosen.push(i);
    for (let k = 0; k < 3; k++) mean[k] += positions[i + k];
  }
  for (let k = 0; k < 3; k++) mean[k] /= chosen.length;
  // |p - m|^2 = 2 (c - m) . (p - m) + s, for the four unknowns.
  const rows = Array.from({ length: 4 }, () => new Float64Array(5));
  for (const i of chosen) {
    const d = [0, 1, 2].map((k) => positions[i + k] - mean[k]);
    const row = [2 * d[0], 2 * d[1], 2 * d[2], 1, d[0] ** 2 + d[1] ** 2 + d[2] ** 2];
    for (let a = 0; a < 4; a++) for (let b = 0; b < 5; b++) rows[a][b] += row[a] * row[b];
  }
  for (let a = 0; a < 4; a++) {
    for (let r = 0; r < 4; r++) {
      if (r === a) continue;
      const share = rows[r][a] / rows[a][a];
      for (let b = a; b < 5; b++) rows[r][b] -= share * rows[a][b];
    }
  }
  return mean.map((m, k) => m + rows[k][4] / rows[k][k]);
}

/** Hair as a cap: the scalp's skin pushed outward, rising from its edge; `height` in metres. */
export function hairMesh(
  kit: FaceKit,
  posed: Float32Array,
  chart: Float32Array,
  regions: ChartMap,
  height: number,
  image: RgbaImage,
  random: Random,
): PartMesh {
  const region = sampleChartMap(regions, chart);
  const isScalp = (v: number) => region[v] === REGIONS.scalp;
  const triangles = kit.openSkin.filter((_, at, all) => {
    const first = at - (at % 3);
    return isScalp(all[first]) && isScalp(all[first + 1]) && isScalp(all[first + 2]);
  });
  const normals = computeNormals(posed, kit.openSkin);
  const cap = cutOut(posed, triangles);
  const ring = ringsFromEdge(cap.indices, cap.vertices.length);
  const waves = Array.from({ length: 6 }, () => [
    random.normal(),
    random.normal(),
    random.normal(),
    random.uniform(0, 6.3),
  ]);
  const uvs = new Float32Array(2 * cap.vertices.length);
  const grown = cap.positions.slice();
  cap.vertices.forEach((v, i) => {
    const p = cap.positions.subarray(3 * i, 3 * i + 3);
    const noise =
      waves.reduce((sum, w) => sum + Math.sin(60 * (w[0] * p[0] + w[1] * p[1] + w[2] * p[2]) + w[3]), 0) / 2.4;
    // Flat on the sides, full on top.
    const full = 0.4 + 0.6 * smoothstep(-0.3, 0.8, normals[3 * v + 1]);
    const rise = height * full * smoothstep(0, HAIR_RINGS, ring[i] + 0.3) * (1 + HAIR_NOISE * noise) + 0.0006;
    for (let k = 0; k < 3; k++) grown[3 * i + k] += rise * normals[3 * v + k];
    uvs.set(chart.subarray(2 * v, 2 * v + 2), 2 * i);
  });
  return partMesh('hair', grown, cap.indices, uvs, image);
}

/** How many edges each vertex is away from the mesh's border. */
function ringsFromEdge(indices: Uint32Array, count: number): Float32Array {
  const directed = new Set<number>();
  const key = (a: number, b: number) => a * count + b;
  const around = Array.from({ length: count }, () => [] as number[]);
  for (let i = 0; i < indices.length; i++) {
    const [a, b] = [indices[i], indices[i - (i % 3) + ((i + 1) % 3)]];
    directed.add(key(a, b));
    around[a].push(b);
    around[b].push(a);
  }
  const ring = new Float32Array(count).fill(Number.POSITIVE_INFINITY);
  let front: number[] = [];
  for (const edge of directed) {
    const [a, b] = [Math.floor(edge / count), edge % count];
    if (directed.has(key(b, a))) continue;
    ring[a] = 0;
    ring[b] = 0;
    front.push(a, b);
  }
  for (let r = 1; front.length; r++) {
    const next = new Set(front.flatMap((v) => around[v]).filter((v) => ring[v] > r));
    for (const v of next) ring[v] = r;
    front = [...next];
  }
  return ring;
}

/** Neck's end to shoulders: rings that widen from the neck's rim and fall. */
export function bustMesh(kit: FaceKit, posed: Float32Array, image: RgbaImage): PartMesh {
  const { halfWidth, halfDepth, drop, rings } = SHOULDERS;
  const count = kit.rim.length;
  const middle = [0, 1, 2].map((k) => kit.rim.reduce((sum, v) => sum + posed[3 * v + k], 0) / count);
  const positions = new Float32Array(3 * count * rings);
  const uvs = new Float32Array(2 * count * rings);
  const indices: number[] = [];
  for (let r = 0; r < rings; r++) {
    const t = r / (rings - 1);
    const out = smoothstep(0, 0.75, t) ** 0.8;
    for (let n = 0; n < count; n++) {
      const v = 3 * kit.rim[n];
      const [x, y, z] = [posed[v] - middle[0], posed[v + 1], posed[v + 2] - middle[2]];
      const length = Math.hypot(x, z) || 1;
      const [dx, dz] = [x / length, z / length];
      // The collar stands out a little so that no gap shows between skin and cloth.
      const collar = r === 0 ? 1.02 : 1;
      const px = middle[0] + x * collar * (1 - out) + dx * halfWidth * out;
      const pz = middle[2] + z * collar * (1 - out) + dz * halfDepth * out;
      const fall = 0.25 * drop * out + 0.75 * drop * smoothstep(0.55, 1.1, t) * 1.5;
      positions.set(
        [px, (1 - out) * y + out * middle[1] + (r === 0 ? 0.012 : 0.008 * (1 - t)) - fall, pz],
        3 * (r * count + n),
      );
      uvs.set([((6 * n) / count) % 1, (3 * t) % 1], 2 * (r * count + n));
      if (r === 0) continue;
      const m = (n + 1) % count;
      const [a, b, c, d] = [(r - 1) * count + n, (r - 1) * count + m, r * count + m, r * count + n];
      indices.push(a, b, c, a, c, d);
    }
  }
  return partMesh('bust', positions, Uint32Array.from(indices), uvs, image);
}

/** A tube around a line of points `[N, 3]`. */
export function tubeMesh(
  name: string,
  line: readonly (readonly number[])[],
  radius: number,
  closed: boolean,
  image: RgbaImage,
): PartMesh {
  const sides = 8;
  const positions: number[] = [];
  const indices: number[] = [];
  line.forEach((p, i) => {
    const before = line[closed ? (i + line.length - 1) % line.length : Math.max(0, i - 1)];
    const after = line[closed ? (i + 1) % line.length : Math.min(line.length - 1, i + 1)];
    const along = unit([after[0] - before[0], after[1] - before[1], after[2] - before[2]]);
    const helper = Math.abs(along[2]) < 0.8 ? [0, 0, 1] : [0, 1, 0];
    const a = unit(cross(along, helper));
    const b = cross(along, a);
    for (let s = 0; s < sides; s++) {
      const [c, d] = [Math.cos((2 * Math.PI * s) / sides) * radius, Math.sin((2 * Math.PI * s) / sides) * radius];
      positions.push(p[0] + c * a[0] + d * b[0], p[1] + c * a[1] + d * b[1], p[2] + c * a[2] + d * b[2]);
    }
  });
  const rings = closed ? line.length : line.length - 1;
  for (let i = 0; i < rings; i++) {
    const j = (i + 1) % line.length;
    for (let s = 0; s < sides; s++) {
      const t = (s + 1) % sides;
      const [p, q, r, o] = [sides * i + s, sides * i + t, sides * j + t, sides * j + s];
      indices.push(p, q, r, p, r, o);
    }
  }
  const flat = Float32Array.from(positions);
  return partMesh(name, flat, Uint32Array.from(indices), new Float32Array((2 * flat.length) / 3), image);
}

/** Frames around both eyes, a bridge, and temples back to the ears. */
export function glassesMeshes(kit: FaceKit, posed: Float32Array, image: RgbaImage): PartMesh[] {
  const centres = (['eyeLeft', 'eyeRight'] as const).map((name) => {
    const { positions } = cutOut(posed, kit.parts[name]);
    const centre = sphereCentre(positions, (z, front) => z < front);
    return {
      x: centre[0],
      y: centre[1],
      front: positions.reduce((far, p, i) => (i % 3 === 2 ? Math.max(far, p) : far), -1),
    };
  });
  const depth = Math.max(...centres.map(({ front }) => front)) + 0.016;
  const [left, right] = centres;
  const frame = ({ x, y }: (typeof centres)[number]) =>
    Array.from({ length: 40 }, (_, i) => {
      const angle = (2 * Math.PI * i) / 40;
      const power = (value: number) => Math.sign(value) * Math.abs(value) ** 0.6;
      const px = x * 1.08 + 0.0245 * power(Math.cos(angle));
      return [px, y - 0.003 + 0.019 * power(Math.sin(angle)), depth - 4 * px ** 2];
    });
  // The head's half width above the ears, where temples run.
  let side = 0;
  for (let v = 0; v < SKIN_END; v++) {
    const [x, y, z] = posed.subarray(3 * v, 3 * v + 3);
    if (Math.abs(y - left.y - 0.02) < 0.008 && Math.abs(z) < 0.03) side = Math.max(side, x);
  }
  const ear = side + 0.001;
  const temple = (sign: number, { x, y }: (typeof centres)[number]) => {
    const hinge = x * 1.08 + sign * 0.0245;
    return [0, 0.3, 0.6, 1].map((t) => [
      hinge + t ** 0.5 * (sign * ear - hinge),
      y + 0.006,
      (depth - 4 * hinge ** 2) * (1 - t) - 0.01 * t,
    ]);
  };
  const bridge = [-1, -0.5, 0, 0.5, 1].map((t) => [
    t * 0.009 + (left.x + right.x) / 2,
    (left.y + right.y) / 2 + 0.005 - 0.003 * t * t,
    depth + 0.001,
  ]);
  return [
    tubeMesh('frameLeft', frame(left), 0.0017, true, image),
    tubeMesh('frameRight', frame(right), 0.0017, true, image),
    tubeMesh('bridge', bridge, 0.0015, false, image),
    tubeMesh('templeLeft', temple(1, left), 0.0015, false, image),
    tubeMesh('templeRight', temple(-1, right), 0.0015, false, image),
  ];
}

/** A microphone in front of the mouth's corner: a ball on a stick. */
export function microphoneMeshes(side: number, image: RgbaImage): PartMesh[] {
  const [x, y, z] = [side * 0.022, -0.082, 0.15];
  const ball = Array.from({ length: 9 }, (_, i) => {
    const angle = (Math.PI * (i + 0.5)) / 9;
    return { at: [x, y + 0.024 * Math.cos(angle), z], radius: 0.024 * Math.sin(angle) };
  });
  // A ball as a stack of rings is a tube whose radius changes.
  const mesh = tubeMesh(
    'microphone',
    ball.map(({ at }) => at),
    1,
    false,
    image,
  );
  const positions = mesh.positions.map((value, i) => {
    const { at, radius } = ball[Math.floor(i / 24)];
    return at[i % 3] + (value - at[i % 3]) * radius;
  });
  return [
    partMesh('microphone', positions, mesh.indices, mesh.uvs, image),
    tubeMesh(
      'stick',
      [
        [x, y - 0.02, z],
        [x + side * 0.02, y - 0.1, z + 0.01],
        [x + side * 0.05, y - 0.25, z + 0.02],
      ],
      0.011,
      false,
      image,
    ),
  ];
}

function unit(v: readonly number[]): number[] {
  const length = Math.hypot(v[0], v[1], v[2]) || 1;
  return [v[0] / length, v[1] / length, v[2] / length];
}

function cross(a: readonly number[], b: readonly number[]): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
