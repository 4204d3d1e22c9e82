import { type PartMesh, type RgbaImage, renderAvatar, shadedAlbedo } from '@implicit-faces/avatar';
import { linearFromSrgb, srgbByteFromLinear } from '@implicit-faces/uv-param';
import { describe, expect, it } from 'vitest';
import { cropMask, cropPhoto } from '../../src/photo.js';
import { cameraFromPose, type Pose, stepPose } from '../../src/pose.js';
import { createAppearance } from '../../src/stages/appearance.js';
import { SHADE_SIZE } from '../../src/stages/broad-grey.js';
import { finishTexture, seenTint, seeScene, shadeOfScene } from '../../src/stages/texture.js';

const SIZE = 256;
const RADIUS = 0.1;
const PHOTO = 320;

/** A mirror-symmetric picture of smooth stripes, different from the model's grey in every channel. */
function stripes(size: number): RgbaImage {
  const data = new Uint8ClampedArray(4 * size * size);
  for (let i = 0; i < size * size; i++) {
    const u = Math.abs((i % size) + 0.5 - size / 2) / size;
    const v = (Math.floor(i / size) + 0.5) / size;
    data.set([150 + 40 * Math.cos(14 * u), 110 + 30 * Math.sin(9 * v), 90 + 30 * Math.cos(8 * (u + v)), 255], 4 * i);
  }
  return { data, width: size, height: size };
}

/** A dome that bulges to +Z, 81 degrees wide. */
function dome(image: RgbaImage): PartMesh {
  const side = 41;
  const uvs = Float32Array.from({ length: 2 * side * side }, (_, i) => {
    const n = i >> 1;
    return (i & 1 ? Math.floor(n / side) : n % side) / (side - 1);
  });
  const positions = new Float32Array(3 * side * side);
  for (let n = 0; n < side * side; n++) {
    const [x, y] = [0.13 * (uvs[2 * n] - 0.5), 0.13 * (0.5 - uvs[2 * n + 1])];
    positions.set([x, y, Math.sqrt(RADIUS ** 2 - x * x - y * y)], 3 * n);
  }
  const indices: number[] = [];
  for (let n = 0; n < side * (side - 1); n++) {
    if (n % side < side - 1) indices.push(n, n + side, n + side + 1, n, n + side + 1, n + 1);
  }
  const normals = positions.map((v) => v / RADIUS);
  return { name: 'skin', positions, normals, uvs, indices: Uint32Array.from(indices), image };
}

/** The dome turned about +Y before the camera, a metre away. */
function turned(yaw: number): Pose {
  const ahead: Pose = {
    rotation: new Float64Array([1, 0, 0, 0, 1, 0, 0, 0, 1]),
    translation: new Float64Array([0, 0, -1]),
    focalLengthPx: 1700,
    principalPointPx: [PHOTO / 2, PHOTO / 2],
  };
  return stepPose(ahead, [0, yaw, 0, 0, 0, 0, 0]);
}

const truth = stripes(SIZE);
const skin = dome(truth);
const { lighting } = createAppearance(0);
const grey = linearFromSrgb(128 / 255);

/** Photographs the dome and takes its texture from the photo. */
function finish(yaw: number, symmetric: boolean, trusted?: number): RgbaImage {
  return finishPhotographed(skin, yaw, { symmetric, trusted }).image;
}

/** Photographs a dome and takes the texture from the photo, as if all that was known of it were the light and that it is grey. */
function finishPhotographed(
  dome: PartMesh,
  yaw: number,
  options: { symmetric?: boolean; trusted?: number; shaded?: number; occlusion?: Float32Array } = {},
) {
  const { symmetric, trusted, shaded, occlusion } = options;
  const pose = turned(yaw);
  const photo = renderAvatar([dome], cameraFromPose(pose), Float32Array.from(lighting), {
    width: PHOTO,
    height: PHOTO,
    background: [20, 40, 160],
    occlusion: occlusion && [occlusion],
  });
  const crop = cropPhoto(photo, [PHOTO / 2, PHOTO / 2], PHOTO, PHOTO);
  const mask = cropMask(photo.mask, photo, crop);
  const scene = seeScene({ meshes: [dome], pose, lighting, occlusion, crop, mask });
  const everywhere = (value?: number) =>
    value === undefined ? undefined : { data: new Uint8Array(64 * 64).fill(value), size: 64 };
  const finished = finishTexture({
    scenes: [scene],
    part: 0,
    symmetric,
    trusted: everywhere(trusted),
    shaded: everywhere(shaded),
    albedo: new Float32Array(3 * SIZE * SIZE).fill(grey),
    size: SIZE,
  });
  return { ...finished, scene, photo };
}

/** The mean difference of 8-bit values over columns from u0 to u1, away from the top and bottom rim. */
function difference(a: RgbaImage, b: RgbaImage, u0: number, u1: number): number {
  let [sum, count] = [0, 0];
  for (let y = Math.round(0.1 * SIZE); y < 0.9 * SIZE; y++) {
    for (let x = Math.round(u0 * SIZE); x < u1 * SIZE; x++) {
      for (let c = 0; c < 3; c++) sum += Math.abs(a.data[4 * (y * SIZE + x) + c] - b.data[4 * (y * SIZE + x) + c]);
      count += 3;
    }
  }
  return sum / count;
}

const greyImage: RgbaImage = { ...truth, data: truth.data.map((_, i) => (i % 4 === 3 ? 255 : 128)) };

describe('finishTexture', () => {
  it('gives seen texels the colours that were photographed, trusted or looking like the model', () => {
    expect(difference(truth, greyImage, 0.1, 0.9)).toBeGreaterThan(20);
    expect(difference(finish(0, false), truth, 0.1, 0.9)).toBeLessThan(2);
    expect(difference(finish(0, false, 255), truth, 0.1, 0.9)).toBeLessThan(2);
  });

  it('takes the mirror image where the other side was seen, if the part is symmetric', () => {
    // Turned to +X, the texels with large u lie behind the dome's horizon.
    const yaw = 1.1;
    const [plain, mirrored] = [finish(yaw, false), finish(yaw, true)];
    expect(difference(mirrored, truth, 0.05, 0.45)).toBeLessThan(4);
    expect(difference(mirrored, truth, 0.8, 0.95)).toBeLessThan(0.5 * difference(plain, truth, 0.8, 0.95));
  });

  it('keeps the albedo of a part that was not seen', () => {
    expect(finish(Math.PI, true)).toEqual(greyImage);
  });

  it('believes colours far from the model less where they are not trusted', () => {
    const untrusted = finish(0, false, 0);
    expect(difference(untrusted, greyImage, 0.1, 0.9)).toBeLessThan(difference(truth, greyImage, 0.1, 0.9));
    expect(untrusted.data.every((v, i) => i % 4 !== 3 || v === 255)).toBe(true);
  });
});

describe('what light does to a texture', () => {
  it('leaves out what the head hides of it', () => {
    // From the subject's right hardly anything arrives.
    const occlusion = new Float32Array(9 * (skin.positions.length / 3));
    for (let v = 0; v < skin.positions.length / 3; v++) occlusion[9 * v] = 0.4 * Math.max(0, -skin.normals[3 * v]);
    const { image, photo } = finishPhotographed(skin, 0, { trusted: 255, occlusion });
    expect(difference(photo, finishPhotographed(skin, 0, {}).photo, 0.2, 0.4)).toBeGreaterThan(5);
    expect(difference(image, truth, 0.15, 0.85)).toBeLessThan(2.5);
  });

  it('leaves out most of what is broad and grey, and says what it was, so that the photo can be made again', () => {
    // Brown skin with fine spots, and a broad shadow on it.
    const [spotted, stained] = [0, 0.5].map((depth) => {
      const data = new Uint8ClampedArray(4 * SIZE * SIZE).fill(255);
      for (let i = 0; i < SIZE * SIZE; i++) {
        const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
        const away = Math.hypot(x / SIZE - 0.5, y / SIZE - 0.5) / 0.12;
        const light = (1 - depth * Math.exp(-(away ** 2))) * (1 + 0.25 * Math.sin(x) * Math.sin(y));
        for (const [c, byte] of [150, 110, 90].entries())
          data[4 * i + c] = srgbByteFromLinear(light * linearFromSrgb(byte / 255));
      }
      return { data, width: SIZE, height: SIZE };
    });
    const { image, unexplained, scene } = finishPhotographed(dome(stained), 0, { trusted: 255, shaded: 255 });
    const plain = finishPhotographed(dome(spotted), 0, { trusted: 255 }).image;
    expect(difference(image, plain, 0.4, 0.6)).toBeLessThan(0.5 * difference(stained, spotted, 0.4, 0.6));
    const shade = { data: shadeOfScene(scene, unexplained), size: SHADE_SIZE };
    const unsplit = finishPhotographed(dome(stained), 0, { trusted: 255 }).image;
    expect(difference(shadedAlbedo({ albedo: image, shade }), unsplit, 0.1, 0.9)).toBeLessThan(1);
    // The spots are as strong as they were.
    const contrast = ({ data }: RgbaImage) => {
      const at = (x: number) => data[4 * (SIZE * 64 + x)];
      return Array.from({ length: 64 }, (_, k) => Math.abs(at(97 + k) - at(96 + k))).reduce((a, b) => a + b);
    };
    expect(contrast(image)).toBeGreaterThan(0.9 * contrast(unsplit));
    expect(contrast(image)).toBeGreaterThan(100);
  });
});

describe('seenTint', () => {
  const tint = (colour: [number, number, number], places: number, yaw = 0) => {
    const pose = turned(yaw);
    const painted = dome({ data: new Uint8ClampedArray([...colour, 255]), width: 1, height: 1 });
    const size = { width: PHOTO, height: PHOTO };
    const photo = renderAvatar([painted], cameraFromPose(pose), Float32Array.from(lighting), {
      ...size,
      background: [20, 40, 160],
    });
    const crop = cropPhoto(photo, [PHOTO / 2, PHOTO / 2], PHOTO, PHOTO);
    const scene = seeScene({ meshes: [skin], pose, lighting, crop, mask: cropMask(photo.mask, photo, crop) });
    const input = { scenes: [scene], part: 0, albedo: new Float32Array(3 * 256 * 256).fill(grey), size: 256 };
    return seenTint(input, { data: new Uint8Array(16).fill(places), size: 4 });
  };

  it('says how a colour that is seen differs from the albedo', () => {
    const found = tint([160, 110, 60], 255);
    [160, 110, 60].forEach((byte, c) => {
      expect(found[c]).toBeCloseTo(Math.log(linearFromSrgb(byte / 255) / grey), 1);
    });
  });

  it('is none where nothing votes, and where nothing is seen', () => {
    expect([...tint([160, 110, 60], 0)]).toEqual([0, 0, 0]);
    expect([...tint([160, 110, 60], 255, Math.PI)]).toEqual([0, 0, 0]);
  });
});

describe('seeScene', () => {
  it('leaves a part that nobody sees as the model has it', () => {
    const pose = turned(0);
    const photo = renderAvatar([skin], cameraFromPose(pose), Float32Array.from(lighting), {
      width: PHOTO,
      height: PHOTO,
      background: [20, 40, 160],
    });
    const crop = cropPhoto(photo, [PHOTO / 2, PHOTO / 2], PHOTO, PHOTO);
    const hidden = { ...skin, name: 'tongue', positions: skin.positions.map((x) => 0.5 * x) };
    const scene = seeScene({ meshes: [skin, hidden], pose, lighting, crop, mask: cropMask(photo.mask, photo, crop) });
    expect([...scene.seenParts].sort()).toEqual([-1, 0]);
    const { data } = finishTexture({
      scenes: [scene],
      part: 1,
      albedo: new Float32Array(3 * SIZE * SIZE).fill(grey),
      size: SIZE,
    }).image;
    expect(data.every((byte, i) => byte === (i % 4 === 3 ? 255 : 128))).toBe(true);
  });
});
