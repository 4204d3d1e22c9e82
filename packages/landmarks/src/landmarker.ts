import {
  type Device,
  type Files,
  loadNetwork,
  mergeOptions,
  type Network,
  type OrtRuntime,
  parseNetworkManifest,
} from '@implicit-faces/runtime';
import { cutOut, frameRoi, ImagePyramid, type Roi } from './crop.js';
import { FaceError, type LandmarksErrorCode } from './errors.js';
import { detectFaces, type FaceCandidate, FULL_RANGE, SHORT_RANGE } from './face-detector.js';
import { type FaceMesh, meshRoi, placeMesh, roiFromMesh } from './face-mesh.js';
import { LANDMARK_COUNT } from './landmark-sets.js';
import { segmentPerson } from './person-mask.js';
import type { Box, FaceLandmarks, Image, PersonMask } from './types.js';

export interface LoadLandmarkerOptions {
  /** The imported module `onnxruntime-node` or `onnxruntime-web`. */
  ort: OrtRuntime;
  /** Where this package's `models/` folder is: `modelFiles()` of `./node`, or `urlFiles(address)` in the browser. */
  files: Files;
  device?: Device;
  signal?: AbortSignal;
}

export interface DetectOptions {
  /** Which face, counted from the largest down. */
  index?: number;
  /** Whether a frame that shows no face is searched again in tiles, for small ones. It takes seconds in a large frame. */
  tiles?: boolean;
  signal?: AbortSignal;
}

export const DETECT_DEFAULTS = { index: 0, tiles: true };

/** A face that was followed from one frame of a clip to the next. */
export type TrackedFace = Pick<FaceLandmarks, 'points' | 'score'>;

export interface MaskOptions {
  /** The face's box, as `detect` gives it: the mask is then sharper around that head. */
  box?: Box;
  signal?: AbortSignal;
}

/** Four open networks; dispose them when done. */
export interface Landmarker {
  /**
   * Finds a face and its 468 landmarks.
   *
   * @throws FaceError `NO_FACE` when there is none, `FACE_INDEX` when there are fewer than `index` asks for, `IMAGE` when the image is
   *   not RGBA of its stated size.
   */
  detect(image: Image, options?: DetectOptions): Promise<FaceLandmarks>;
  /**
   * Follows a face into the next frame of a clip: one run of the landmark network, in the window where the face was. A tenth of what `detect` takes.
   *
   * @param points - `[468, 3]` the face in the last frame, pixels of a frame of the same size.
   * @returns nothing when the face is not there any more; `detect` may then find it elsewhere.
   * @throws FaceError `IMAGE` when the image is not RGBA of its stated size, or when there are not 468 points.
   */
  track(image: Image, points: Float32Array, options?: { signal?: AbortSignal }): Promise<TrackedFace | undefined>;
  /**
   * Separates people from background.
   *
   * @throws FaceError `IMAGE` when the image is not RGBA of its stated size.
   */
  mask(image: Image, options?: MaskOptions): Promise<PersonMask>;
  dispose(): Promise<void>;
}

/** A network window this many times the face shows the short-range detector a face of the size it likes best. */
const SECOND_LOOK = 2.2;
const TURNS = [0, Math.PI, Math.PI / 2, -Math.PI / 2];
/** On turned portraits the right way up scored 0.88 to 0.95, upside down 0.75 or less. */
const SETTLED = 0.8;
/** The first window comes from the detector and is refined twice; a fourth pass moves points by 0.1 % of the face or less. */
const MESH_PASSES = 3;
const MIN_PRESENCE = 0.5;
/** Sides of the search windows as shares of the frame. The full-range detector finds faces down to 7 % of its window. */
const SEARCH_SHARES = [1, 1 / 2, 1 / 4];
/** Below this side, in pixels, a search window would hold no face that is worth having. */
const MIN_SEARCH_SIDE = 192;

interface Networks {
  shortRange: Network;
  fullRange: Network;
  mesh: Network;
  person: Network;
}

type PlacedFace = FaceMesh & { roi: Roi };

/**
 * Loads the networks of this package's `models/` folder.
 *
 * @throws FaceError as `loadNetwork` of `@implicit-faces/runtime` does: a file that is not the one its manifest lists is refused.
 * @example
 * const landmarker = await loadLandmarker({ ort, files: modelFiles() });
 * const { points } = await landmarker.detect(image); // Float32Array(1404)
 */
export async function loadLandmarker({ ort, files, device, signal }: LoadLandmarkerOptions): Promise<Landmarker> {
  const manifestBytes = await files.read('manifest.json', { signal });
  const manifest = parseNetworkManifest(JSON.parse(new TextDecoder().decode(manifestBytes)));
  const names = ['face-detection-short-range', 'face-detection-full-range', 'face-landmark', 'selfie-segmentation'];
  const [shortRange, fullRange, mesh, person] = await Promise.all(
    names.map((name) => loadNetwork({ ort, files, manifest, name, device, signal })),
  );
  const networks = { shortRange, fullRange, mesh, person };
  return {
    async detect(image, { signal, ...options } = {}) {
      checkImage('detect', image);
      const { index, tiles } = mergeOptions(DETECT_DEFAULTS, options);
      return pickFace(await findFaces(networks, image, tiles, signal), index, image);
    },
    async track(image, points, { signal } = {}) {
      checkImage('track', image);
      checkPoints('track', points);
      signal?.throwIfAborted();
      return followFace(mesh, image, points);
    },
    async mask(image, { box, signal } = {}) {
      checkImage('mask', image);
      return segmentPerson(person, image, box, signal);
    },
    async dispose() {
      await Promise.all(Object.values(networks).map((network) => network.dispose()));
    },
  };
}

function checkImage(verb: string, image: Image): void {
  const { width, height } = image;
  const data: ArrayLike<number> = image.data;
  const isBytes = data instanceof Uint8ClampedArray || data instanceof Uint8Array;
  if (width >= 1 && height >= 1 && isBytes && data.length === width * height * 4) return;
  throw new FaceError<LandmarksErrorCode>(
    'IMAGE',
    `${verb}: the image should be RGBA, ${width}x${height}x4 bytes of a Uint8ClampedArray; received ${data.constructor.name} of ${data.length}. Pass { data, width, height }.`,
  );
}

/** Throws `IMAGE` unless there are 468 points. */
function checkPoints(verb: string, points: Float32Array): void {
  if (points.length === 3 * LANDMARK_COUNT) return;
  throw new FaceError<LandmarksErrorCode>(
    'IMAGE',
    `${verb}: expected ${LANDMARK_COUNT} points; received ${points.length} coordinates. Pass the points that detect() or track() found.`,
  );
}

async function followFace(network: Network, image: Image, last: Float32Array): Promise<TrackedFace | undefined> {
  const roi = roiFromMesh(last);
  const window = cutOut(image, roi);
  // A face that has left the frame, or numbers that are none.
  if (!window) return undefined;
  const { left, top } = window;
  const local = { ...roi, centerX: roi.centerX - left, centerY: roi.centerY - top };
  const { points, score } = await placeMesh(network, new ImagePyramid(window.image), local);
  if (!(score >= MIN_PRESENCE)) return undefined;
  for (let i = 0; i < points.length; i += 3) {
    points[i] += left;
    points[i + 1] += top;
  }
  return { points, score };
}

function pickFace(faces: PlacedFace[], index: number, { width, height }: Image): FaceLandmarks {
  if (faces.length === 0) {
    throw new FaceError<LandmarksErrorCode>(
      'NO_FACE',
      `detect: no face was found in the image (${width}x${height}). Use a sharp photo of one person facing the camera, the face at least 50 pixels wide.`,
    );
  }
  const face = faces[index];
  if (!face) {
    throw new FaceError<LandmarksErrorCode>(
      'FACE_INDEX',
      `detect: index should be 0 to ${faces.length - 1}, the faces found; received ${index}.`,
    );
  }
  return { box: boundsOf(face.points), points: face.points, score: face.score, faceCount: faces.length };
}

/** Every face that the landmark network confirms, largest first. */
async function findFaces(
  networks: Networks,
  image: Image,
  tiles: boolean,
  signal?: AbortSignal,
): Promise<PlacedFace[]> {
  const pyramid = new ImagePyramid(image);
  for (const windows of searchWindows(image).slice(0, tiles ? undefined : 1)) {
    const candidates: FaceCandidate[] = [];
    for (const window of windows) {
      signal?.throwIfAborted();
      candidates.push(...(await detectFaces(networks.fullRange, FULL_RANGE, pyramid, window)));
      // The full-range network misses faces that fill the frame or lie on their side; the short-range one was made for them.
      candidates.push(...(await detectFaces(networks.shortRange, SHORT_RANGE, pyramid, window)));
    }
    const faces: PlacedFace[] = [];
    for (const candidate of distinct(candidates, ({ score }) => score)) {
      signal?.throwIfAborted();
      const face = await placeFace(networks, pyramid, candidate);
      if (face) faces.push(face);
    }
    const found = distinct(
      faces.map((face) => ({ ...face.roi, face })),
      ({ face }) => face.score,
    );
    if (found.length > 0) return found.sort((a, b) => b.size - a.size).map(({ face }) => face);
  }
  return [];
}

/** Looks again at one candidate from near by, then places its mesh; undefined when that shows it to be no face. */
async function placeFace(
  networks: Networks,
  pyramid: ImagePyramid,
  coarse: FaceCandidate,
): Promise<PlacedFace | undefined> {
  const fine = (await lookAgain(networks.shortRange, pyramid, coarse)) ?? coarse;
  let roi = meshRoi(fine.centerX, fine.centerY, fine.size, fine.rotation);
  for (let pass = 1; ; pass++) {
    const mesh = await placeMesh(networks.mesh, pyramid, roi);
    if (mesh.score < MIN_PRESENCE) return undefined;
    roi = roiFromMesh(mesh.points);
    if (pass === MESH_PASSES) return { ...mesh, roi };
  }
}

/**
 * Detects a candidate once more in a window of its own. When that does not settle it, the window is turned round: a detector may take a
 * face for upright that is upside down, and the landmark network would believe it.
 */
async function lookAgain(
  network: Network,
  pyramid: ImagePyramid,
  coarse: FaceCandidate,
): Promise<FaceCandidate | undefined> {
  const { centerX, centerY, rotation } = coarse;
  const size = coarse.size * SECOND_LOOK;
  let best: FaceCandidate | undefined;
  for (const turn of TURNS) {
    const window = { centerX, centerY, size, rotation: rotation + turn };
    const [near] = (await detectFaces(network, SHORT_RANGE, pyramid, window)).filter((face) => isSame(face, coarse));
    if (near && near.score > (best?.score ?? 0)) best = near;
    if (best && best.score >= SETTLED) break;
  }
  return best;
}

/** Windows to search, in rounds: the frame, then smaller and smaller overlapping tiles, for a round is only needed when the last found nothing. */
function searchWindows({ width, height }: Image): Roi[][] {
  const frame = frameRoi({ width, height });
  return SEARCH_SHARES.map((share) => share * frame.size)
    .filter((size, round) => round === 0 || size >= MIN_SEARCH_SIDE)
    .map((size) => {
      if (size === frame.size) return [frame];
      const columns = tileCenters(width, size);
      return tileCenters(height, size).flatMap((centerY) =>
        columns.map((centerX) => ({ centerX, centerY, size, rotation: 0 })),
      );
    });
}

/** Centres of windows of one size that cover a length and overlap by half or more. */
function tileCenters(length: number, size: number): number[] {
  if (length <= size) return [length / 2];
  const steps = Math.ceil((length - size) / (size / 2));
  return Array.from({ length: steps + 1 }, (_, i) => size / 2 + ((length - size) * i) / steps);
}

interface Placed {
  centerX: number;
  centerY: number;
  size: number;
}

/** Two detections of one face agree on place and size to within half of the smaller one, or a factor of two. */
function isSame(a: Placed, b: Placed): boolean {
  const small = Math.min(a.size, b.size);
  return Math.hypot(a.centerX - b.centerX, a.centerY - b.centerY) < small / 2 && Math.max(a.size, b.size) < 2 * small;
}

/** Drops what is the same face as a better one. */
function distinct<T extends Placed>(faces: T[], score: (face: T) => number): T[] {
  const kept: T[] = [];
  for (const face of [...faces].sort((a, b) => score(b) - score(a))) {
    if (!kept.some((other) => isSame(face, other))) kept.push(face);
  }
  return kept;
}

function boundsOf(points: Float32Array): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 3) {
    left = Math.min(left, points[i]);
    right = Math.max(right, points[i]);
    top = Math.min(top, points[i + 1]);
    bottom = Math.max(bottom, points[i + 1]);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}
