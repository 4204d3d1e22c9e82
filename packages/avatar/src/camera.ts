import { mergeOptions } from '@implicit-faces/runtime';
import type { Camera } from './types.js';

/** Tunables of `viewCamera`. */
export interface ViewCameraOptions {
  /** Pixels along each side of the square picture. */
  size?: number;
  /** The point that stays in the middle of the picture, metres. */
  target?: readonly [number, number, number];
  /** From the camera to the target, metres. */
  distance?: number;
  /** What fits into the picture at the target's distance, metres. */
  frame?: number;
}

/** A portrait lens: the frame is 17 degrees high. It holds the whole head and the neck, with room for heads that are larger than the mean. */
export const VIEW_CAMERA_DEFAULTS: Required<ViewCameraOptions> = {
  size: 512,
  target: [0, 0.008, 0.012],
  distance: 1.1,
  frame: 0.32,
};

/**
 * A camera that looks at the head from one side.
 *
 * @param yawDeg - the head's turn as the camera sees it, about the upward axis: at 0 the face looks into the camera, at -30 (`left.png`)
 * it looks to the picture's left, at +30 (`right.png`) to the picture's right. It is the camera that moves: to the subject's left (+X)
 * for negative angles.
 */
export function viewCamera(yawDeg: number, options: ViewCameraOptions = {}): Camera {
  const { size, target, distance, frame } = mergeOptions(VIEW_CAMERA_DEFAULTS, options);
  const yaw = (yawDeg * Math.PI) / 180;
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  const [x, y, z] = target;
  return {
    // Turn the target's surroundings by yaw about +Y, then push them away along -Z.
    cameraFromWorld: [c, 0, -s, 0, 0, 1, 0, 0, s, 0, c, 0, -c * x - s * z, -y, s * x - c * z - distance, 1],
    focalLengthPx: (size * distance) / frame,
    principalPointPx: [size / 2, size / 2],
  };
}

/**
 * Projects points into a picture.
 *
 * @param points - `[N, 3]` world, metres.
 * @param out - destination `[N, 3]`: x, y in pixels, and the depth along the viewing axis in metres. Where the depth is not positive,
 * the point is behind the camera and its pixel means nothing.
 */
export function projectPoints(
  camera: Camera,
  points: Float32Array,
  out = new Float32Array(points.length),
): Float32Array {
  const { cameraFromWorld: m, focalLengthPx: f, principalPointPx } = camera;
  const [cx, cy] = principalPointPx;
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i];
    const y = points[i + 1];
    const z = points[i + 2];
    const depth = -(m[2] * x + m[6] * y + m[10] * z + m[14]);
    out[i] = cx + (f * (m[0] * x + m[4] * y + m[8] * z + m[12])) / depth;
    out[i + 1] = cy - (f * (m[1] * x + m[5] * y + m[9] * z + m[13])) / depth;
    out[i + 2] = depth;
  }
  return out;
}

/** The same view in a part of the picture, or at another scale: the part starts at pixel (x, y) and its pixels are `scale` times as fine. */
export function cropCamera(camera: Camera, x: number, y: number, scale = 1): Camera {
  const [cx, cy] = camera.principalPointPx;
  return {
    cameraFromWorld: camera.cameraFromWorld,
    focalLengthPx: camera.focalLengthPx * scale,
    principalPointPx: [(cx - x) * scale, (cy - y) * scale],
  };
}
