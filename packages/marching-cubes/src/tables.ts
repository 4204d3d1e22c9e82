/**
 * The cube's numbering and the triangles of each of its cases.
 *
 * Corner `c` is at `(c & 1, c >> 1 & 1, c >> 2 & 1)`. A case is one bit per corner, set where the corner is inside.
 *
 * The triangles are not typed in but derived: on each face of the cube the surface is one or two segments between the face's crossed
 * edges; the segments of six faces close to loops, and loops are cut into triangles. Both cubes of a face draw the same segments,
 * so the mesh is closed whatever the case. Where a face has its inside corners on a diagonal there are two ways to draw it;
 * the caller decides, by a rule that looks at nothing but that face.
 */

/** Edge `e` runs along axis `EDGE_AXIS[e]` from corner `EDGE_START[e]`: four edges along x, then y, then z. */
export const EDGE_AXIS: Uint8Array = /* @__PURE__ */ Uint8Array.from({ length: 12 }, (_, e) => e >> 2);
export const EDGE_START: Uint8Array = /* @__PURE__ */ Uint8Array.of(0, 2, 4, 6, 0, 1, 4, 5, 0, 1, 2, 3);

/** The corners of face `f` (-x, +x, -y, +y, -z, +z) at `4 f` to `4 f + 3`, counter-clockwise seen from outside the cube. */
export const FACE_CORNERS: Uint8Array = /* @__PURE__ */ Uint8Array.of(
  ...[0, 4, 6, 2],
  ...[1, 3, 7, 5],
  ...[0, 1, 5, 4],
  ...[2, 6, 7, 3],
  ...[0, 2, 3, 1],
  ...[4, 5, 7, 6],
);

/** One way that the surface passes a cube. */
export interface CubeCase {
  /** One bit per edge that is crossed. */
  edges: number;
  /** Three edges per triangle, wound so that the normal points away from the inside corners. `CENTRE` stands for the centre vertex. */
  triangles: Uint8Array;
  /** The edges whose crossings' mean is the centre vertex; empty in most cases. */
  centre: Uint8Array;
}

/** In `CubeCase.triangles`, the vertex within the cube. */
export const CENTRE = 12;

/** For each case, one bit per face whose inside corners are on a diagonal. */
export const AMBIGUOUS_FACES: Uint8Array = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, signs) => {
  let faces = 0;
  for (let face = 0; face < 6; face++) {
    const [a, b, c, d] = cornersOf(face).map((corner) => (signs >> corner) & 1);
    if (a === c && b === d && a !== b) faces |= 1 << face;
  }
  return faces;
});

const known: (CubeCase | undefined)[] = /* @__PURE__ */ new Array(256 * 64);

/**
 * The triangles of a case, computed when first asked for.
 *
 * @param signs - one bit per corner that is inside.
 * @param joined - one bit per ambiguous face whose two inside corners are joined across it; else its outside corners are.
 */
export function cubeCase(signs: number, joined: number): CubeCase {
  const index = signs | (joined << 8);
  known[index] ??= deriveCase(signs, joined);
  return known[index];
}

function deriveCase(signs: number, joined: number): CubeCase {
  const next = nextEdges(signs, joined);
  const triangles: number[] = [];
  let edges = 0;
  let centre: number[] = [];
  for (const start of next.keys()) {
    if ((edges >> start) & 1) continue;
    const loop: number[] = [];
    for (let edge = start; ((edges >> edge) & 1) === 0; edge = next.get(edge)!) {
      edges |= 1 << edge;
      loop.push(edge);
    }
    const cut = cutLoop(loop);
    if (cut) {
      triangles.push(...cut);
    } else {
      centre = loop;
      triangles.push(...loop.flatMap((edge, i) => [edge, loop[(i + 1) % loop.length], CENTRE]));
    }
  }
  return { edges, triangles: Uint8Array.from(triangles), centre: Uint8Array.from(centre) };
}

/** From each crossed edge to the one that follows it on the surface's border with the cube. */
function nextEdges(signs: number, joined: number): Map<number, number> {
  const next = new Map<number, number>();
  for (let face = 0; face < 6; face++) {
    const corners = cornersOf(face);
    const inside = corners.map((corner) => (signs >> corner) & 1);
    const isAmbiguous = (AMBIGUOUS_FACES[signs] >> face) & 1;
    for (let i = 0; i < 4; i++) {
      const leaves = inside[i] === 1 && inside[(i + 1) % 4] === 0;
      if (!leaves) continue;
      // The segment comes from the edge that is crossed inward next, on or back along the face's border.
      const step = isAmbiguous && ((joined >> face) & 1) === 0 ? 3 : 1;
      let j = (i + step) % 4;
      while (!(inside[j] === 0 && inside[(j + 1) % 4] === 1)) j = (j + step) % 4;
      next.set(edgeBetween(corners[j], corners[(j + 1) % 4]), edgeBetween(corners[i], corners[(i + 1) % 4]));
    }
  }
  return next;
}

/**
 * Cuts a loop into triangles with the shortest diagonals, none of which lies in a face of the cube: the neighbour may draw the same
 * one, and then four triangles would meet there. Returns undefined where that cannot be; such a loop takes a centre vertex (at most
 * one loop of a cube does, because it has eight edges or more and leaves too few for another).
 */
function cutLoop(loop: readonly number[]): number[] | undefined {
  // best[i][j]: the cheapest triangles between loop[i] and loop[j], and their cost.
  const best: { cost: number; triangles: number[] }[][] = loop.map(() => []);
  for (let span = 1; span < loop.length; span++) {
    for (let i = 0; i + span < loop.length; i++) {
      const j = i + span;
      const isDiagonal = span > 1 && span < loop.length - 1;
      const own = isDiagonal ? diagonalLength(loop[i], loop[j]) : 0;
      best[i][j] = { cost: span === 1 ? 0 : Number.POSITIVE_INFINITY, triangles: [] };
      for (let k = i + 1; k < j; k++) {
        const cost = own + best[i][k].cost + best[k][j].cost;
        if (cost < best[i][j].cost - 1e-9) {
          best[i][j] = {
            cost,
            triangles: [loop[i], loop[k], loop[j], ...best[i][k].triangles, ...best[k][j].triangles],
          };
        }
      }
    }
  }
  const { cost, triangles } = best[0][loop.length - 1];
  return Number.isFinite(cost) ? triangles : undefined;
}

/** The distance between two edges' middles; infinite when they are on one face. */
function diagonalLength(a: number, b: number): number {
  const [p, q] = [a, b].map((edge) =>
    [0, 1, 2].map((axis) => ((EDGE_START[edge] >> axis) & 1) + (EDGE_AXIS[edge] === axis ? 0.5 : 0)),
  );
  const isInFace = p.some((value, axis) => value === q[axis] && value !== 0.5);
  return isInFace ? Number.POSITIVE_INFINITY : Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

function cornersOf(face: number): number[] {
  return Array.from(FACE_CORNERS.subarray(4 * face, 4 * face + 4));
}

function edgeBetween(a: number, b: number): number {
  const start = Math.min(a, b);
  const axis = 31 - Math.clz32(a ^ b);
  return EDGE_START.findIndex((corner, edge) => corner === start && EDGE_AXIS[edge] === axis);
}
