import {
  decodeNormalMap,
  encodeNormalMap,
  type PartMesh,
  type RgbaImage,
  renderAvatar,
  sphericalHarmonics,
} from '@implicit-faces/avatar';
import { createRandom } from '@implicit-faces/test-utils';
import { encodeSrgb } from '@implicit-faces/uv-param';
import { describe, expect, it } from 'vitest';
import { cropMask, cropPhoto } from '../../src/photo.js';
import { cameraFromPose, type Pose } from '../../src/pose.js';
import { sphericalHarmonicsGradient } from '../../src/stages/appearance.js';
import { findRelief } from '../../src/stages/relief.js';
import { seeScene } from '../../src/stages/texture.js';

const SIZE = 160;
const SIDE = 0.13;
const RADIUS = 0.1;
const PHOTO = 320;
const SKIN = [0.45, 0.26, 0.18];

/** Waves of 5 to 8 millimetres in all directions, of about unit variance. */
function waves(seed: number): Float32Array {
  const random = createRandom(seed);
  const out = new Float32Array(SIZE * SIZE);
  for (let n = 0; n < 60; n++) {
    const [angle, phase] = random.uniforms(2, 0, 2 * Math.PI);
    const k = (2 * Math.PI * SIDE) / SIZE / random.uniform(0.005, 0.008);
    for (let i = 0; i < out.length; i++) {
      const along = Math.cos(angle) * (i % SIZE) + Math.sin(angle) * Math.floor(i / SIZE);
      out[i] += Math.cos(k * along + phase) / Math.sqrt(30);
    }
  }
  return out;
}

/** Bumps as normals in the tangent frame. */
function bumps(heights: Float32Array, metres: number): Float32Array {
  const out = new Float32Array(3 * SIZE * SIZE);
  const pitch = SIDE / SIZE;
  for (let i = 0; i < SIZE * SIZE; i++) {
    const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
    const at = (a: number, b: number) => heights[Math.min(SIZE - 1, b) * SIZE + Math.min(SIZE - 1, a)];
    const n = [(-metres * (at(x + 1, y) - at(x, y))) / pitch, (metres * (at(x, y + 1) - at(x, y))) / pitch, 1];
    out.set(
      n.map((c) => c / Math.hypot(...n)),
      3 * i,
    );
  }
  return out;
}

/** A dome that bulges to +Z, 81 degrees wide. */
function dome(image: RgbaImage, normalMap?: RgbaImage): PartMesh {
  const side = 41;
  const uvs = Float32Array.from({ length: 2 * side * side }, (_, i) => {
    const n = i >> 1;
    return (i & 1 ? Math.floor(n / side) : n % side) / (side - 1);
  });
  const positions = new Float32Array(3 * side * side);
  for (let n = 0; n < side * side; n++) {
    const [x, y] = [SIDE * (uvs[2 * n] - 0.5), SIDE * (0.5 - uvs[2 * n + 1])];
    positions.set([x, y, Math.sqrt(RADIUS ** 2 - x * x - y * y)], 3 * n);
  }
  const indices: number[] = [];
  for (let n = 0; n < side * (side - 1); n++) {
    if (n % side < side - 1) indices.push(n, n + side, n + side + 1, n, n + side + 1, n + 1);
  }
  const normals = positions.map((v) => v / RADIUS);
  return {
    name: 'skin',
    positions,
    normals,
    uvs,
    indices: Uint32Array.from(indices),
    image,
    ...(normalMap && { normalMap }),
  };
}

const pose: Pose = {
  rotation: new Float64Array([1, 0, 0, 0, 1, 0, 0, 0, 1]),
  translation: new Float64Array([0, 0, -1]),
  focalLengthPx: 1900,
  principalPointPx: [PHOTO / 2, PHOTO / 2],
};
/** From the upper right, with some from everywhere. */
const lighting = new Float64Array(27).fill(2.2, 0, 3).fill(0.6, 3, 6).fill(0.6, 6, 9).fill(0.7, 9, 12);
const albedo = Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => SKIN[i % 3]);
const everywhere = { data: new Uint8Array([255]), size: 1 };

/** Photographs the dome and looks for relief. */
function find(texture: Float32Array, normalMap?: RgbaImage) {
  const picture = { data: encodeSrgb(texture), width: SIZE, height: SIZE };
  const photo = renderAvatar([dome(picture, normalMap)], cameraFromPose(pose), Float32Array.from(lighting), {
    width: PHOTO,
    height: PHOTO,
    background: [20, 40, 160],
  });
  const random = createRandom(9);
  photo.data.forEach((value, i) => {
    if (i % 4 < 3) photo.data[i] = value + 1.2 * random.normal();
  });
  const crop = cropPhoto(photo, [PHOTO / 2, PHOTO / 2], PHOTO, PHOTO);
  const scene = seeScene({ meshes: [dome(picture)], pose, lighting, crop, mask: cropMask(photo.mask, photo, crop) });
  return findRelief({ scenes: [scene], part: 0, albedo, size: SIZE, skin: everywhere })!;
}

/** Inner texels' slopes along a direction across the surface, from normals in the tangent frame. */
function slopesAlong(normals: Float32Array, [x, y]: readonly number[]): number[] {
  const out: number[] = [];
  for (let i = 0; i < SIZE * SIZE; i++) {
    if (Math.min(i % SIZE, SIZE - (i % SIZE), Math.floor(i / SIZE), SIZE - Math.floor(i / SIZE)) < 25) continue;
    out.push((normals[3 * i] * x + normals[3 * i + 1] * y) / normals[3 * i + 2]);
  }
  return out;
}

function correlation(a: readonly number[], b: readonly number[]): { correlation: number; share: number } {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return { correlation: ab / Math.sqrt(aa * bb), share: ab / bb };
}

it('sphericalHarmonicsGradient is that of finite differences', () => {
  const [x, y, z] = [0.3, -0.5, 0.7];
  const found = sphericalHarmonicsGradient(x, y, z, new Float64Array(27));
  const at = (dx: number, dy: number, dz: number) => sphericalHarmonics(x + dx, y + dy, z + dz, new Float64Array(9));
  const step = 1e-5;
  for (const [j, d] of [
    [step, 0, 0],
    [0, step, 0],
    [0, 0, step],
  ].entries()) {
    const [up, down] = [at(d[0], d[1], d[2]), at(-d[0], -d[1], -d[2])];
    for (let k = 0; k < 9; k++) expect(found[3 * k + j]).toBeCloseTo((up[k] - down[k]) / (2 * step), 6);
  }
});

describe('findRelief', () => {
  const spots = waves(3);
  const freckles = albedo.map((a, i) => a * SKIN[i % 3] ** (0.06 * spots[Math.floor(i / 3)]));
  const truth = bumps(waves(1), 0.0001);
  const rough = find(albedo, encodeNormalMap(truth, SIZE, SIZE));

  it('finds slopes along the light', () => {
    const towardsLight = [Math.SQRT1_2, Math.SQRT1_2];
    const found = decodeNormalMap(rough.normalMap);
    const { correlation: r, share } = correlation(slopesAlong(found, towardsLight), slopesAlong(truth, towardsLight));
    expect(r).toBeGreaterThan(0.8);
    expect(share).toBeGreaterThan(0.35);
    expect(share).toBeLessThan(1.1);
  });

  it('says that it is relief, and that freckles are none', () => {
    const smooth = find(freckles);
    expect(rough.evidence).toBeGreaterThan(1.25);
    expect(smooth.evidence).toBeLessThan(1);
  });
});
