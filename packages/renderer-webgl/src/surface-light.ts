import { FaceError } from '@implicit-faces/runtime';
import { COSINE, evaluateBasis } from './environment.js';
import type { RendererErrorCode } from './errors.js';
import {
  checkLighting,
  computeDominantLight,
  computeShading,
  dot,
  EVEN_LIGHT,
  evaluateHarmonics,
  normalise,
  type Vec3,
} from './lighting.js';
import type { Program } from './program.js';
import { computeHighlight, environmentBrdf, packGloss } from './specular.js';
import type { Gloss } from './types.js';

/** How many lights a renderer takes besides its harmonics. */
export const MAX_LIGHTS = 4;

/** A light that is somewhere, or far away somewhere. `colour` is linear RGB; `intensity`, 1 when absent, multiplies it. */
export type PunctualLight =
  /** `toLight` need not be of unit length. A white matte surface that faces the light shades to its colour. */
  | { kind: 'directional'; colour: Vec3; intensity?: number; toLight: Vec3 }
  /** `position` in metres, world space. A white matte surface that faces it from a metre away shades to its colour; it falls off with the square of the distance. */
  | { kind: 'point'; colour: Vec3; intensity?: number; position: Vec3 };

/** Harmonics and lights as the shaders take them, see shaders/chunks/surface-light.glsl. */
export interface SurfaceLight {
  /** `[9, 3]` of the shading. */
  lighting: Float32Array;
  /** The lights besides the harmonics, as they were given. */
  lights: readonly PunctualLight[];
  /** `[9, 3]` of the radiance without the first light. */
  reflected: Float32Array;
  /** `[L, 4]` */
  places: Float32Array;
  /** `[L, 3]` */
  colours: Float32Array;
}

/**
 * Takes light apart for shading. The brightest side of the harmonics becomes a directional light, which mirrors sharply; what is left of their radiance is mirrored softly.
 *
 * @param lighting - `[9, 3]`.
 * @throws FaceError `SHAPE` when it is not 27 finite numbers, `RANGE` for more lights than `MAX_LIGHTS`.
 */
export function createSurfaceLight(lighting: ArrayLike<number>, lights: readonly PunctualLight[] = []): SurfaceLight {
  checkLighting('setLighting', lighting);
  if (lights.length > MAX_LIGHTS) {
    throw new FaceError<RendererErrorCode>(
      'RANGE',
      `setLights: at most ${MAX_LIGHTS} lights; received ${lights.length}. Add the weaker ones to the harmonics by projectLights.`,
    );
  }
  const { toLight, colour } = computeDominantLight(lighting);
  const delta = evaluateBasis(toLight);
  const reflected = Float32Array.from(lighting, (value, i) => {
    const k = Math.floor(i / 3);
    return value / COSINE[k] - Math.PI * colour[i % 3] * delta[k];
  });
  const places = [...toLight, 0];
  const colours: number[] = [...colour];
  for (const light of lights) {
    places.push(...(light.kind === 'point' ? [...light.position, 1] : [...light.toLight, 0]));
    colours.push(...light.colour.map((c) => c * (light.intensity ?? 1)));
  }
  return {
    lighting: Float32Array.from(lighting),
    lights: [...lights],
    reflected,
    places: Float32Array.from(places),
    colours: Float32Array.from(colours),
  };
}

/** What every renderer is told of its light. */
export interface LightSetters {
  /**
   * Sets the light, even white until then.
   *
   * @param lighting - `[9, 3]` linear RGB spherical harmonics, copied.
   * @throws FaceError `SHAPE` when it is not 27 finite numbers.
   */
  setLighting(lighting: ArrayLike<number>): void;

  /**
   * Lights besides the harmonics, none until then. They cast no shadows.
   *
   * @throws FaceError `RANGE` for more than four.
   */
  setLights(lights: readonly PunctualLight[]): void;
}

/**
 * The light of a renderer: `current` as the shaders take it, and the renderer's setters of it.
 *
 * @param checkOpen - throws when the renderer is gone, with the name of what was called.
 */
export function keepSurfaceLight(checkOpen: (verb: string) => void): {
  current(): SurfaceLight;
  setters: LightSetters;
} {
  let light = createSurfaceLight(EVEN_LIGHT);
  return {
    current: () => light,
    setters: {
      setLighting(given) {
        checkOpen('setLighting');
        light = createSurfaceLight(given, light.lights);
      },
      setLights(given) {
        checkOpen('setLights');
        light = createSurfaceLight(light.lighting, given);
      },
    },
  };
}

/**
 * Linear RGB that a place of the face sends to the eye. Twin of the function of the same name in shaders/chunks/surface-light.glsl, which every path draws with.
 *
 * @param albedo - linear RGB.
 * @param position - metres, world space.
 * @param normal - unit length, as `toEye`; both point away from the surface.
 */
export function computeSurfaceLight(
  { lighting, reflected, places, colours }: SurfaceLight,
  albedo: Vec3,
  gloss: Gloss,
  position: Vec3,
  normal: Vec3,
  toEye: Vec3,
): [number, number, number] {
  const shading = computeShading(lighting, normal);
  const nDotV = dot(normal, toEye);
  const mirrored = normal.map((n, k) => 2 * nDotV * n - toEye[k]) as unknown as Vec3;
  const [, , band1, band2] = packGloss(gloss);
  const environment = evaluateHarmonics(reflected, mirrored, [band1, band2]);
  const share = environmentBrdf(gloss, Math.max(nDotV, 1e-3));
  const matte = albedo.map((a) => a * (1 - share));
  const light = shading.map((s, c) => matte[c] * Math.max(s, 0) + share * Math.max(environment[c], 0));
  for (let i = 0; i < places.length / 4; i++) {
    const [x, y, z, near] = places.subarray(4 * i, 4 * i + 4);
    const toLight: Vec3 = [x - near * position[0], y - near * position[1], z - near * position[2]];
    const falloff = near ? 1 / Math.max(dot(toLight, toLight), 1e-6) : 1;
    const arriving = Array.from(colours.subarray(3 * i, 3 * i + 3), (c) => c * falloff) as unknown as Vec3;
    const direction = normalise(toLight);
    const highlight = computeHighlight(direction, arriving, gloss, normal, toEye);
    const facing = i > 0 ? Math.max(dot(normal, direction), 0) : 0;
    for (let c = 0; c < 3; c++) light[c] += matte[c] * arriving[c] * facing + highlight[c];
  }
  return [light[0], light[1], light[2]];
}

/** Sets the uniforms of shaders/chunks/surface-light.glsl. */
export function setSurfaceLight(
  gl: WebGL2RenderingContext,
  uniforms: Program['uniforms'],
  { lighting, reflected, places, colours }: SurfaceLight,
): void {
  gl.uniform3fv(uniforms.lighting, lighting);
  gl.uniform3fv(uniforms.reflected, reflected);
  gl.uniform4fv(uniforms.lightPlaces, places);
  gl.uniform3fv(uniforms.lightColours, colours);
  gl.uniform1i(uniforms.lightCount, colours.length / 3);
}
