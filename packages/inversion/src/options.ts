import { FaceError } from './errors.js';
import { PRESETS, type PresetSettings } from './presets.js';
import type { InvertImageOptions } from './types.js';

export const INVERT_IMAGE_DEFAULTS = {
  preset: 'default',
  seed: 0,
  faceIndex: 0,
  encoder: true,
  losses: { landmarks: 1, photo: 1, silhouette: 1 },
  lightOrder: 2,
} as const satisfies Partial<InvertImageOptions>;

/** Blurs of the photo that there are steps for. */
const MOST_SCALES = 3;

const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
const isTextureSize = (value: unknown) => [256, 512, 1024, 2048, 4096].includes(value as number);

/** What each setting should be, and whether it is. */
const SETTINGS: { [key in keyof PresetSettings]: [text: string, holds: (value: unknown) => boolean] } = {
  landmarkSteps: ['a whole number', isCount],
  photoSteps: [
    `at most ${MOST_SCALES} whole numbers`,
    (value) => Array.isArray(value) && value.length <= MOST_SCALES && value.every(isCount),
  ],
  appearanceSteps: ['a whole number', isCount],
  finetuneSteps: ['a whole number', isCount],
  relief: ['true or false', (value) => typeof value === 'boolean'],
  samples: ['a whole number above 0', (value) => isCount(value) && value !== 0],
  textureSize: ['a power of two, 256 to 4096', isTextureSize],
  albedoSize: ['a power of two, 256 to 4096', isTextureSize],
};

/** The options of an inversion with what is usual in place of what is absent. @throws FaceError `OPTION`. */
export function resolveOptions(who: string, options: InvertImageOptions) {
  const { preset, seed, encoder, lightOrder } = { ...INVERT_IMAGE_DEFAULTS, ...withoutGaps(options) };
  const fail = (name: string, expected: string, received: unknown): never => {
    throw new FaceError('OPTION', `${who}: ${name} should be ${expected}; received ${received}.`);
  };
  if (!Object.hasOwn(PRESETS, preset)) fail('preset', `one of ${Object.keys(PRESETS).join(', ')}`, preset);
  if (!Number.isInteger(seed)) fail('seed', 'an integer', seed);
  if (![0, 1, 2].includes(lightOrder)) fail('lightOrder', '0, 1 or 2', lightOrder);
  const losses = { ...INVERT_IMAGE_DEFAULTS.losses, ...withoutGaps(options.losses ?? {}) };
  for (const [name, weight] of Object.entries(losses)) {
    if (!(weight >= 0 && Number.isFinite(weight))) fail(`losses.${name}`, 'a number of 0 or more', weight);
  }
  const settings: PresetSettings = { ...PRESETS[preset], ...withoutGaps(options.settings ?? {}) };
  for (const [name, [expected, holds]] of Object.entries(SETTINGS)) {
    const value = settings[name as keyof PresetSettings];
    if (!holds(value)) fail(`settings.${name}`, expected, value);
  }
  if (settings.albedoSize > settings.textureSize) {
    fail('settings.albedoSize', `no more than textureSize, ${settings.textureSize}`, settings.albedoSize);
  }
  return { preset, seed, encoder, lightOrder, losses, settings };
}

/** An option that is undefined is one that is absent. */
function withoutGaps<T extends object>(options: T): { [key in keyof T]: Exclude<T[key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
