import { type Avatar, type Lighting, type RgbaImage, shadedAlbedo } from '@implicit-faces/avatar';
import type { Region } from '@implicit-faces/renderer-webgl';

/** What is shown of an avatar's skin: its albedo, which is what one paints on, times the shade of the light it is in. */
export interface ShadedSkin {
  /** The same object always: the albedo itself where the avatar has no shade. */
  readonly image: RgbaImage;
  /** Brings a region up to date after a stroke on the albedo. */
  update(region: Region): void;
  /** Puts the skin into another light. @returns whether the image is another one now. */
  setLighting(lighting: Lighting): boolean;
}

/** The skin in the photo's light. */
export function createShadedSkin(avatar: Avatar): ShadedSkin {
  const image = shadedAlbedo(avatar);
  let share = 1;
  return {
    image,
    update(region) {
      shadedAlbedo(avatar, { share, region }, image);
    },
    setLighting(lighting) {
      const likeness = computeLikeness(lighting, avatar.lighting);
      if (!avatar.shade || likeness === share) return false;
      share = likeness;
      shadedAlbedo(avatar, { share }, image);
      return true;
    },
  };
}

/**
 * How much of the photo's light is left in another one, 0 to 1: the other's projection on it, all nine harmonics alike. The shade says nothing of another light, but as light turns it fades and does not go: what comes
 * from everywhere, most of the light of most photos, is hidden from the same places whichever way it is turned, and in the bare albedo nostrils and the corners of the eyes glow. Shadows of what comes from one side
 * are left where they were, as faint as the likeness says.
 */
function computeLikeness(lighting: Lighting, photo: Lighting): number {
  let along = 0;
  let all = 0;
  for (let i = 0; i < photo.length; i++) {
    along += lighting[i] * photo[i];
    all += photo[i] ** 2;
  }
  // In steps that nobody sees, so that not every move of the slider costs a new texture.
  return Math.min(1, Math.max(0, Math.round((64 * along) / all) / 64));
}
