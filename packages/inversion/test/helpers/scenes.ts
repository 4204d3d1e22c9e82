import type { Random } from '@implicit-faces/test-utils';
import type { Crop } from '../../src/photo.js';
import { createProjected, type Pose, projectWithDerivatives, stepPose } from '../../src/pose.js';
import type { SurfaceSamples } from '../../src/surface-samples.js';

/** A camera about a metre before the origin, turned and shifted a little. */
export function somePose(random: Random): Pose {
  const ahead: Pose = {
    rotation: new Float64Array([1, 0, 0, 0, 1, 0, 0, 0, 1]),
    translation: new Float64Array([0, 0, -1]),
    focalLengthPx: 600,
    principalPointPx: [40, 30],
  };
  return stepPose(ahead, random.uniforms(7, -0.03, 0.03));
}

/** Places within 3 cm of the origin, which codes move by about a centimetre. */
export function someSamples(random: Random, count: number, codeSize: number): SurfaceSamples {
  return {
    count,
    uv: random.uniforms(2 * count),
    origin: random.uniforms(3 * count, -0.03, 0.03),
    jacobian: random.uniforms(3 * count * codeSize, -0.01, 0.01),
    codeSize,
  };
}

/** Noise where the samples are seen, logarithms from `least` to 0. */
export function somePhoto(random: Random, least: number): Crop {
  return {
    data: random.uniforms(90 * 80 * 3, least, 0),
    width: 90,
    height: 80,
    channels: 3,
    left: -20,
    top: -25,
    scale: 0.75,
  };
}

/** Where sample n is seen, pixels, once codes and pose have moved by `step`, all in double precision. */
export function pixelOf(samples: SurfaceSamples, codes: Float64Array, pose: Pose, n: number, step: Float64Array) {
  const { codeSize, origin, jacobian } = samples;
  const [x, y, z] = [0, 1, 2].map((axis) => {
    let sum = origin[3 * n + axis];
    for (let k = 0; k < codeSize; k++) sum += jacobian[(3 * n + axis) * codeSize + k] * (codes[k] + step[k]);
    return sum;
  });
  return projectWithDerivatives(stepPose(pose, step, codeSize), x, y, z, createProjected());
}

/** The derivatives of a function of `size` numbers at 0, by central differences. */
export function differentiate(f: (step: Float64Array) => number, size: number, h = 1e-5): Float64Array {
  return Float64Array.from({ length: size }, (_, k) => {
    const at = (value: number) => f(new Float64Array(size).fill(value, k, k + 1));
    return (at(h) - at(-h)) / (2 * h);
  });
}
