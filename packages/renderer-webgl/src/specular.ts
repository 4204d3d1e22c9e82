import type { Vec3 } from './lighting.js';
import { dot, normalise } from './lighting.js';
import type { Gloss } from './types.js';

/** Gloss of nothing: a part that sends back its albedo times the shading and mirrors nothing. */
export const MATTE: Gloss = { f0: 0, roughness: 1 };

/**
 * Gloss of living faces.
 *
 * f0 is ((n - 1) / (n + 1))^2 of refractive indices: skin's oil and horny layer 1.4, tears 1.34, saliva on tongue and teeth 1.34.
 * Skin's roughness: faces measured for a Torrance-Sparrow lobe have slopes of .25 to .35 (Weyrich et al. 2006, "Analysis of human faces using a measurement-based skin reflectance model"),
 * and .3 is .55 squared. A tear film is far smoother than .25, but a light has an extent, which a direction or a point has not: that is the highlight of a window of some ten degrees.
 */
export const FACE_GLOSS: Readonly<Record<string, Gloss>> = {
  skin: { f0: 0.028, roughness: 0.55 },
  eyeLeft: { f0: 0.021, roughness: 0.25 },
  eyeRight: { f0: 0.021, roughness: 0.25 },
  teethUpper: { f0: 0.021, roughness: 0.35 },
  teethLower: { f0: 0.021, roughness: 0.35 },
  tongue: { f0: 0.021, roughness: 0.4 },
};

/** How densely microfacets lie along the halfway vector: GGX (Walter et al. 2007). Twin of the shader's, as all here. @param alpha - the roughness squared. */
export function distributionGgx(nDotH: number, alpha: number): number {
  const k = alpha / (1 - nDotH * nDotH + (nDotH * alpha) ** 2);
  return (k * k) / Math.PI;
}

/** Smith's shadowing and masking, correlated in height, over 4 (n . l) (n . v) (Heitz 2014). */
export function visibilitySmith(nDotL: number, nDotV: number, alpha: number): number {
  const a2 = alpha * alpha;
  const masking = nDotL * Math.sqrt(nDotV * nDotV * (1 - a2) + a2);
  const shadowing = nDotV * Math.sqrt(nDotL * nDotL * (1 - a2) + a2);
  return 0.5 / (masking + shadowing);
}

/** What is mirrored at a glance: all, unless the surface is matte (Lagarde & de Rousiers 2014). */
export function grazingReflectance(f0: number): number {
  return Math.min(Math.max(50 * f0, 0), 1);
}

/** Schlick 1994. */
export function fresnelSchlick(f0: number, vDotH: number): number {
  return f0 + (grazingReflectance(f0) - f0) * (1 - vDotH) ** 5;
}

/**
 * Light that a glossy surface mirrors toward the eye from one light: Cook-Torrance with GGX, Smith and Schlick.
 *
 * @param toLight - unit length, as `normal` and `toEye`; all point away from the surface.
 * @param lightColour - linear RGB that a white matte surface which faces the light shades to: irradiance over pi.
 * @returns linear RGB on the same scale.
 */
export function computeHighlight(
  toLight: Vec3,
  lightColour: Vec3,
  { f0, roughness }: Gloss,
  normal: Vec3,
  toEye: Vec3,
): [number, number, number] {
  const alpha = toAlpha(roughness);
  const halfway = normalise([toLight[0] + toEye[0], toLight[1] + toEye[1], toLight[2] + toEye[2]]);
  const nDotL = Math.max(dot(normal, toLight), 0);
  const nDotV = Math.max(dot(normal, toEye), 1e-3);
  const nDotH = Math.min(Math.max(dot(normal, halfway), 0), 1);
  const vDotH = Math.min(Math.max(dot(toEye, halfway), 0), 1);
  const brdf = distributionGgx(nDotH, alpha) * visibilitySmith(nDotL, nDotV, alpha) * fresnelSchlick(f0, vDotH);
  const share = Math.PI * brdf * nDotL;
  return [lightColour[0] * share, lightColour[1] * share, lightColour[2] * share];
}

/** The share of even light that a glossy surface mirrors: Karis' fit to the split sum (2014, "Physically Based Shading on Mobile"). */
export function environmentBrdf({ f0, roughness }: Gloss, nDotV: number): number {
  const r = Math.sqrt(toAlpha(roughness));
  const rx = 1 - r;
  const a004 = Math.min(rx * rx, 2 ** (-9.28 * nDotV)) * rx + 0.0425 - 0.0275 * r;
  const scale = 1.04 - 0.572 * r - 1.04 * a004;
  const bias = 0.022 * r - 0.04 + 1.04 * a004;
  return Math.max(f0 * scale + grazingReflectance(f0) * bias, 0);
}

/**
 * A gloss as the shaders take it: f0, alpha, and what its lobe leaves of harmonics of orders 1 and 2. Around the mirrored direction a GGX lobe is nearly a spherical Gaussian
 * of sharpness 1 / (2 alpha^2) (Wang et al. 2009, section 4), whose harmonics are known.
 */
export function packGloss({ f0, roughness }: Gloss): [f0: number, alpha: number, band1: number, band2: number] {
  const alpha = toAlpha(roughness);
  const sharpness = 1 / (2 * alpha * alpha);
  const band1 = 1 / Math.tanh(sharpness) - 1 / sharpness;
  return [f0, alpha, band1, 1 - (3 * band1) / sharpness];
}

/** Below this a highlight is narrower than float numbers resolve. */
function toAlpha(roughness: number): number {
  return Math.max(roughness * roughness, 2e-3);
}
