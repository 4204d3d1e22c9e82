import type { Network } from '@implicit-faces/runtime';
import { cropRoi, type ImagePyramid, imageFromRoi, type Roi } from './crop.js';
import { runFinite } from './run-finite.js';

/** A face that a detector proposes. Its box is square in practice and tight around brows and chin. */
export interface FaceCandidate {
  /** 0..1. */
  score: number;
  /** Centre, image pixels. */
  centerX: number;
  centerY: number;
  /** The longer side of its box, image pixels. */
  size: number;
  /** Radians from the image's x axis to the line from the subject's right eye to the left. */
  rotation: number;
}

/** One MediaPipe face detector: its input side and, for each output grid, cells along a side and boxes per cell. */
interface DetectorLayout {
  side: number;
  grids: { cells: number; perCell: number }[];
}

export const SHORT_RANGE: DetectorLayout = {
  side: 128,
  grids: [
    { cells: 16, perCell: 2 },
    { cells: 8, perCell: 6 },
  ],
};

export const FULL_RANGE: DetectorLayout = { side: 192, grids: [{ cells: 48, perCell: 1 }] };

const MIN_SCORE = 0.5;
/** Boxes that overlap by more than this (intersection over union) are one face. */
const SAME_FACE_OVERLAP = 0.3;
/** Numbers per box: centre, size, then six keypoints of which the first two are the subject's right and left eye. */
const BOX_VALUES = 16;

/**
 * Runs a detector on a window of the image.
 *
 * @returns One candidate per face, best first.
 * @see Bazarevsky et al., BlazeFace, 2019, for the anchors and the blending of overlapping boxes by their scores.
 */
export async function detectFaces(
  network: Network,
  layout: DetectorLayout,
  pyramid: ImagePyramid,
  roi: Roi,
): Promise<FaceCandidate[]> {
  const { side } = layout;
  const input = cropRoi(pyramid, roi, side, { scale: 2 / 255, offset: -1 }, 'black');
  const outputs = await runFinite(network, input, side);
  const boxes = outputs.boxes.data;
  const scores = outputs.scores.data;

  const found: { score: number; values: number[] }[] = [];
  anchorCenters(layout).forEach(([anchorX, anchorY], i) => {
    const score = sigmoid(scores[i]);
    if (score < MIN_SCORE) return;
    const values = Array.from(boxes.subarray(i * BOX_VALUES, (i + 1) * BOX_VALUES), (value) => value / side);
    for (let pair = 0; pair < BOX_VALUES; pair += 2) {
      if (pair === 2) continue; // width and height are not relative to the anchor
      values[pair] = values[pair] + anchorX;
      values[pair + 1] = values[pair + 1] + anchorY;
    }
    found.push({ score, values });
  });
  return blendOverlapping(found).map(({ score, values }) => toCandidate(score, values, roi));
}

/** Centres of the anchors in output order, 0..1 of the window. */
function anchorCenters({ grids }: DetectorLayout): [number, number][] {
  return grids.flatMap(({ cells, perCell }) =>
    Array.from({ length: cells * cells * perCell }, (_, i): [number, number] => {
      const cell = Math.floor(i / perCell);
      return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
    }),
  );
}

/** Non-maximum suppression in which the suppressed boxes have a say, by score, in where the survivor lies. */
function blendOverlapping(found: { score: number; values: number[] }[]): { score: number; values: number[] }[] {
  let rest = [...found].sort((a, b) => b.score - a.score);
  const faces: { score: number; values: number[] }[] = [];
  for (let best = rest[0]; best; best = rest[0]) {
    const { values: reference, score } = best;
    const same = rest.filter(({ values }) => overlap(values, reference) > SAME_FACE_OVERLAP || values === reference);
    rest = rest.filter((box) => !same.includes(box));
    const total = same.reduce((sum, box) => sum + box.score, 0);
    const values = reference.map((_, k) => same.reduce((sum, box) => sum + box.values[k] * box.score, 0) / total);
    faces.push({ score, values });
  }
  return faces;
}

/** Intersection over union of two boxes given as centre and size. */
function overlap(a: number[], b: number[]): number {
  const [ax, ay, aw, ah] = a;
  const [bx, by, bw, bh] = b;
  const width = Math.min(ax + aw / 2, bx + bw / 2) - Math.max(ax - aw / 2, bx - bw / 2);
  const height = Math.min(ay + ah / 2, by + bh / 2) - Math.max(ay - ah / 2, by - bh / 2);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (aw * ah + bw * bh - width * height);
}

function toCandidate(score: number, values: number[], roi: Roi): FaceCandidate {
  const [x, y, width, height, rightEyeX, rightEyeY, leftEyeX, leftEyeY] = values as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [centerX, centerY] = imageFromRoi(roi, x, y);
  const rotation = roi.rotation + Math.atan2(leftEyeY - rightEyeY, leftEyeX - rightEyeX);
  return { score, centerX, centerY, size: Math.max(width, height) * roi.size, rotation };
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
