/** How much work an inversion may do. */
export type Preset = 'fast' | 'default' | 'best';

/** The first steps on landmarks move the camera alone. */
export const POSE_STEPS = 3;

export interface PresetSettings {
  /** Gauss-Newton steps on landmarks alone, the first `POSE_STEPS` of them of the camera; then at each scale of the photo, coarse to fine, at most three. Without steps the codes stay where they start. */
  landmarkSteps: number;
  photoSteps: readonly number[];
  /** Gauss-Newton steps on light and texture code once the geometry stands. */
  appearanceSteps: number;
  /** Gauss-Newton steps on the last layer of g^-1 around the codes that were found (pivotal tuning). */
  finetuneSteps: number;
  /** Whether wrinkles and pores are looked for in the shading, for `Avatar.normalMap`; where the photo does not bear them out there is none. */
  relief: boolean;
  /** Surface samples that are compared with the photo in each step. */
  samples: number;
  /** Side of the texture, texels: a power of two, 256 to 4096. */
  textureSize: number;
  /** Side at which the model's albedo is baked, which is smooth: the same, and no more than `textureSize`. */
  albedoSize: number;
}

export const PRESETS: Record<Preset, PresetSettings> = {
  fast: {
    landmarkSteps: 8,
    photoSteps: [],
    appearanceSteps: 3,
    finetuneSteps: 0,
    relief: false,
    samples: 1000,
    textureSize: 1024,
    albedoSize: 256,
  },
  default: {
    landmarkSteps: 12,
    photoSteps: [4, 5, 6],
    appearanceSteps: 6,
    finetuneSteps: 0,
    relief: false,
    samples: 3000,
    textureSize: 1024,
    albedoSize: 1024,
  },
  best: {
    landmarkSteps: 12,
    photoSteps: [6, 8, 10],
    appearanceSteps: 6,
    finetuneSteps: 0,
    relief: false,
    samples: 6000,
    textureSize: 2048,
    albedoSize: 1024,
  },
};
