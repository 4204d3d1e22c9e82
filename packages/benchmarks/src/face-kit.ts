import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildWall, standOnFloor } from '@implicit-faces/avatar';
import { FaceError } from '@implicit-faces/runtime';
import { createLidContact } from './lid-contact.js';
import { type NpyArray, readNpz } from './npz.js';

/** Vertex ranges of ICT-FaceKit, from its README. */
export const SKIN_END = 14062;
/** The narrow face comes first: no forehead's rim, no neck. */
export const NARROW_FACE_END = 6706;
const FACE_END = 9409;
const MOUTH_SOCKET = [11248, 13294] as const;
const EYE_SOCKETS = [13294, 14062] as const;
/** After the eyeballs come tear film, blend and occlusion meshes and lashes, which are no part of our model. */
const EYES_END = 24591;
/** Of an eyeball its outer layer, which the iris behind the cornea is painted on here. */
const PARTS = {
  gumsAndTongue: [14062, 17039],
  teeth: [17039, 21451],
  eyeLeft: [21451, 22221],
  eyeRight: [23021, 23791],
} as const;

/** How far under the lowest place of the neck's rim the floor is, centimetres: where `f` of the product ends. */
const FLOOR_BELOW = 0.4;

const IDENTITIES = 100;
const LIPS_RADIUS = 0.01;
const LIDS_RADIUS = 0.006;
/** How far from the rims of the eye sockets a place of a lid may be that ever touches an eyeball. */
const LIDS_REACH = 0.014;

/** The generator that the truth comes from: ICT-FaceKit's linear head, whose lids then rest on its eyeballs. Metres, glTF axes. */
export interface FaceKit {
  expressionNames: string[];
  /** How many numbers an identity has. */
  identityCount: number;
  /** The mean face, `[V + R + 1, 3]`: FaceKit's vertices, the feet of a wall under the neck's rim, and the middle of the floor that closes the skin. */
  neutral: Float32Array;
  /** `[V + R + 1, 3]` for an identity `[100]` and an expression `[57 or more]`. */
  pose(identity: Float32Array, expression: Float32Array): Float32Array;
  /** The same without the contact of lids and eyeballs. */
  linearSum(identity: Float32Array, expression: Float32Array): Float32Array;
  /** `[F, 3]` the closed skin: face, head, neck, a wall under it and a floor, mouth socket, eye sockets. */
  skin: Uint32Array;
  /** `[F, 3]` the skin first, then gums, tongue, teeth and eyeballs. */
  all: Uint32Array;
  /** `[F, 3]` each of the parts within the skin; an eyeball's outer layer only. */
  parts: Record<keyof typeof PARTS, Uint32Array>;
  /** `[F, 3]` the skin without wall and floor. */
  openSkin: Uint32Array;
  /** The skin's only border, the lower rim of the neck: vertices in order. */
  rim: Uint32Array;
  /** Indices of triangles of `skin`: on the face, and of these near the lips' and the lids' rims. */
  regions: { face: Uint32Array; lips: Uint32Array; lids: Uint32Array };
}

/**
 * Reads `facekit/facekit.npz`.
 *
 * @param data - the folder that holds `facekit`.
 * @throws FaceError `DATA` when the file is not there or is another version.
 */
export async function loadFaceKit(data: string): Promise<FaceKit> {
  const path = join(data, 'facekit', 'facekit.npz');
  const bytes = await readFile(path).catch((cause) => {
    throw new FaceError(
      'DATA',
      `loadFaceKit: ${path} cannot be read. Pass the data folder, that holds facekit/facekit.npz, as --data.`,
      { cause },
    );
  });
  return createFaceKit(readNpz(bytes));
}

/** Builds the generator from the arrays of the file. @throws FaceError `DATA` when one is missing or of another shape. */
export function createFaceKit(arrays: Record<string, NpyArray>): FaceKit {
  const take = (name: string, dims: number[]) => {
    const array = arrays[name];
    if (!array || String(array.dims) !== String(dims)) {
      throw new FaceError(
        'DATA',
        `createFaceKit: facekit.npz should hold ${name} [${dims}]; received ${array ? `[${array.dims}]` : 'nothing'}.`,
      );
    }
    return array.data;
  };
  const vertices = arrays.neutral?.dims[0] ?? 0;
  const neutralCm = take('neutral', [vertices, 3]) as Float32Array;
  const identityCm = take('identity_offsets', [IDENTITIES, vertices, 3]) as Float32Array;
  const expressionNames = take('expression_names', [57]) as string[];
  const expressionCm = take('expression_offsets', [57, vertices, 3]) as Float32Array;
  const quads = take('faces', [arrays.faces?.dims[0] ?? 0, 4]) as Int32Array;

  const open = triangulate(quads, SKIN_END);
  const wall = buildWall(open, vertices);
  const { rim, triangles: skin } = wall;
  const inner = triangulate(quads, EYES_END).filter(
    (_, i, all) => Math.max(...all.subarray(i - (i % 3), i - (i % 3) + 3)) >= SKIN_END,
  );

  function linearSum(identity: Float32Array, expression: Float32Array): Float32Array {
    const positions = neutralCm.slice();
    const add = (offsets: Float32Array, code: Float32Array, count: number) => {
      for (let k = 0; k < count; k++) {
        const weight = code[k];
        if (weight === 0) continue;
        const at = 3 * vertices * k;
        for (let i = 0; i < 3 * vertices; i++) positions[i] += weight * offsets[at + i];
      }
    };
    add(identityCm, identity, IDENTITIES);
    add(expressionCm, expression, 57);
    return standOnFloor(positions, wall, FLOOR_BELOW).map((x) => x / 100);
  }

  const rest = [new Float32Array(IDENTITIES), new Float32Array(57)] as const;
  const neutral = linearSum(...rest);
  const corners = (triangle: number) => skin.subarray(3 * triangle, 3 * triangle + 3);
  const face = Uint32Array.from({ length: skin.length / 3 }, (_, i) => i).filter((i) =>
    corners(i).every((v) => v < FACE_END),
  );
  const isNearRim = ([start, end]: readonly [number, number], radius: number) => {
    const rimPoints = rimVertices(quads, start, end).map((v) => neutral.subarray(3 * v, 3 * v + 3));
    return (v: number) =>
      rimPoints.some(
        (p) => Math.hypot(p[0] - neutral[3 * v], p[1] - neutral[3 * v + 1], p[2] - neutral[3 * v + 2]) < radius,
      );
  };
  const nearRim = (socket: readonly [number, number], radius: number) => {
    const isNear = isNearRim(socket, radius);
    return face.filter((i) => corners(i).every(isNear));
  };
  const parts = Object.fromEntries(
    Object.entries(PARTS).map(([name, [start, end]]) => [name, triangulate(quads, end, start)]),
  ) as FaceKit['parts'];
  const contact = createLidContact(
    neutral,
    { left: Uint32Array.from(new Set(parts.eyeLeft)), right: Uint32Array.from(new Set(parts.eyeRight)) },
    Uint32Array.from({ length: FACE_END }, (_, v) => v).filter(isNearRim(EYE_SOCKETS, LIDS_REACH)),
  );

  function pose(identity: Float32Array, expression: Float32Array): Float32Array {
    const positions = linearSum(identity, expression);
    contact(positions, (name) => expression[expressionNames.indexOf(name)]);
    return positions;
  }

  return {
    expressionNames,
    identityCount: IDENTITIES,
    neutral: pose(...rest),
    pose,
    linearSum,
    skin,
    openSkin: open,
    rim,
    parts,
    all: Uint32Array.from([...skin, ...inner]),
    regions: { face, lips: nearRim(MOUTH_SOCKET, LIPS_RADIUS), lids: nearRim(EYE_SOCKETS, LIDS_RADIUS) },
  };
}

/** Two triangles of each quad (-1 pads triangles) whose vertices are all below `end` and not below `start`, flat. */
function triangulate(quads: Int32Array, end: number, start = 0): Uint32Array {
  const triangles: number[] = [];
  for (let i = 0; i < quads.length; i += 4) {
    const [a, b, c, d] = quads.subarray(i, i + 4);
    if (Math.max(a, b, c, d) >= end || Math.min(a, b, c) < start) continue;
    triangles.push(a, b, c);
    if (d >= 0) triangles.push(a, c, d);
  }
  return Uint32Array.from(triangles);
}

/** The face's vertices that share a quad with a socket's. */
function rimVertices(quads: Int32Array, start: number, end: number): number[] {
  const rim = new Set<number>();
  for (let i = 0; i < quads.length; i += 4) {
    const quad = [...quads.subarray(i, i + 4)];
    if (quad.some((v) => v >= start && v < end)) for (const v of quad) if (v >= 0 && v < FACE_END) rim.add(v);
  }
  return [...rim];
}
