import type { ExpressionTrack } from '@implicit-faces/avatar';
import { expect, it } from 'vitest';
import { blendWeights, gazeWeights, sampleTrack } from '../src/animation.js';

const track: ExpressionTrack = {
  times: [0, 1, 3],
  frames: [{ jawOpen: 0 }, { jawOpen: 1, mouthPucker: 0.5 }, { mouthPucker: 1 }],
};

it('blends what either names', () => {
  expect(blendWeights({ a: 1 }, { b: 0.5 }, 0.25)).toEqual({ a: 0.75, b: 0.125 });
});

it('plays a track, standing still outside of it', () => {
  expect(sampleTrack(track, -1)).toEqual({ jawOpen: 0 });
  expect(sampleTrack(track, 0.5)).toEqual({ jawOpen: 0.5, mouthPucker: 0.25 });
  expect(sampleTrack(track, 2)).toEqual({ jawOpen: 0.5, mouthPucker: 0.75 });
  expect(sampleTrack(track, 9)).toEqual({ mouthPucker: 1 });
});

it('refuses a track whose times do not rise', () => {
  const shape = expect.objectContaining({ code: 'SHAPE' });
  expect(() => sampleTrack({ times: [0, 0], frames: [{}, {}] }, 0)).toThrow(shape);
  expect(() => sampleTrack({ times: [], frames: [] }, 0)).toThrow(shape);
  expect(() => sampleTrack({ times: [0], frames: [{}, {}] }, 0)).toThrow(shape);
});

it('turns both eyes to the same side', () => {
  const { eyeLookOutLeft, eyeLookInRight, eyeLookInLeft, eyeLookUpLeft } = gazeWeights(
    (15 * Math.PI) / 180,
    (-10 * Math.PI) / 180,
  );
  expect(eyeLookOutLeft).toBeCloseTo(0.5, 6);
  expect(eyeLookInRight).toBeCloseTo(15 / 28, 6);
  expect(eyeLookInLeft).toBe(0);
  expect(eyeLookUpLeft).toBe(0);
});
