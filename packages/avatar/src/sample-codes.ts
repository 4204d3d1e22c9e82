import type { Manifest } from '@implicit-faces/runtime';
import type { Codes } from '@implicit-faces/sdf-core';
import type { TexturePrior, Topology } from '@implicit-faces/uv-param';

/** Codes of somebody who does not exist. */
export interface SampledCodes extends Codes {
  /** `[Dt]` */
  texture: Float32Array;
}

/** Identity modes are drawn from N(0, 1) times this, and no further out than this many deviations: the tails hold faces that no scan had. */
const GEOMETRY_SCALE = 0.9;
const FARTHEST = 2;
/** Of the texture code when the model does not say how skins are distributed. */
const TEXTURE_SCALE = 0.3;
/** How many show more than a resting face. */
const MOVED_SHARE = 0.5;
/** How far left and right differ, as a share of the weight. */
const ASYMMETRY = 0.12;

/** Mild expressions: shapes, left and right alike, and their largest weights. */
const MOODS: Readonly<Record<string, number>>[] = [
  { mouthSmile: 0.55, cheekSquint: 0.35, eyeSquint: 0.2 },
  { mouthSmile: 0.3, mouthDimple: 0.25 },
  { browInnerUp: 0.5, browOuterUp: 0.4, eyeWide: 0.2 },
  { browDown: 0.45, eyeSquint: 0.3 },
  { mouthFrown: 0.3, mouthPress: 0.3, browInnerUp: 0.2 },
  { jawOpen: 0.1, mouthFunnel: 0.15 },
  { mouthPress: 0.45, mouthShrugLower: 0.25 },
];
/** What faces at rest differ in. */
const REST: Readonly<Record<string, number>> = { eyeBlink: 0.22, mouthSmile: 0.1, browDown: 0.12 };
/** The generator's neutral lips are a little apart, those of people at rest are not. */
const LIPS_CLOSED: Readonly<Record<string, number>> = { mouthPress: 0.35, mouthShrugLower: 0.12 };

/**
 * Draws codes of a plausible new face: identity by the modes' own statistics with the tails cut, skin by the model's distribution of skins, and a resting face or a mild expression that is
 * nearly the same left and right.
 *
 * @param model - the manifest, and the topology for its distribution of skins; without one the texture code is small and independent.
 * @param random - numbers of 0 to 1, 1 excluded: `createSeededRandom(seed)` for faces that come out the same every time, or `Math.random`.
 * @example const { geometry, expression, texture } = sampleCodes({ manifest, topology: model.uv.topology }, createSeededRandom(1));
 */
export function sampleCodes(
  model: { manifest: Pick<Manifest, 'codes' | 'expressionNames'>; topology?: Pick<Topology, 'texturePrior'> },
  random: () => number,
): SampledCodes {
  const { codes } = model.manifest;
  const normal = truncatedNormal(random);
  return {
    geometry: Float32Array.from({ length: codes.geometry }, () => GEOMETRY_SCALE * normal()),
    expression: sampleExpression(model.manifest.expressionNames, random),
    texture: model.topology?.texturePrior
      ? sampleTexture(model.topology.texturePrior, random, normal)
      : Float32Array.from({ length: codes.texture }, () => TEXTURE_SCALE * normal()),
  };
}

function sampleTexture({ shares, means, sigmas, factors }: TexturePrior, random: () => number, normal: () => number) {
  const size = sigmas.length;
  let left = random();
  let chosen = shares.findIndex((share) => {
    left -= share;
    return left < 0;
  });
  if (chosen < 0) chosen = shares.length - 1;
  const code = Float32Array.from(sigmas, (sigma, k) => means[chosen * size + k] + sigma * normal());
  const own = factors.length / shares.length;
  for (let at = chosen * own; at < (chosen + 1) * own; at += size) {
    const y = normal();
    for (let k = 0; k < size; k++) code[k] += y * factors[at + k];
  }
  return code;
}

function sampleExpression(names: readonly string[], random: () => number): Float32Array {
  const expression = new Float32Array(names.length);
  const add = (shapes: Readonly<Record<string, number>>, share: () => number) => {
    for (const [shape, largest] of Object.entries(shapes)) {
      const weight = largest * share();
      for (const name of [shape, `${shape}_L`, `${shape}_R`]) {
        const k = names.indexOf(name);
        if (k >= 0) expression[k] += weight * (1 + ASYMMETRY * (2 * random() - 1));
      }
    }
  };
  add(REST, random);
  add(LIPS_CLOSED, () => 0.8 + 0.2 * random());
  if (random() < MOVED_SHARE) {
    const strength = 0.4 + 0.6 * random();
    add(MOODS[Math.floor(random() * MOODS.length)], () => strength * (0.6 + 0.4 * random()));
  }
  return expression.map((weight) => Math.min(weight, 1));
}

/** N(0, 1) by Box and Muller, drawn again beyond `FARTHEST`. */
function truncatedNormal(random: () => number): () => number {
  return () => {
    for (;;) {
      const x = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      if (Math.abs(x) <= FARTHEST) return x;
    }
  };
}
