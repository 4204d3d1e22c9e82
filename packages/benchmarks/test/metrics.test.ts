import { parseManifest } from '@implicit-faces/runtime';
import { createCodes, type SdfModel } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import manifestJson from '../../test-utils/fixtures/tiny-face-model/manifest.json' with { type: 'json' };
import { median, quantile } from '../src/statistics.js';
import { measureSurface } from '../src/surface-metrics.js';
import { measureTrace } from '../src/trace-metrics.js';
import { TriangleSurface } from '../src/triangle-surface.js';

const manifest = parseManifest(manifestJson);
const codes = createCodes(manifest);
const RADIUS = 0.1;

/** A model whose skin is any function of the point; all other parts are far away. */
function modelOf(skin: (x: number, y: number, z: number) => number): SdfModel {
  const at = (points: Float32Array) =>
    Float32Array.from({ length: points.length / 3 }, (_, i) =>
      skin(points[3 * i], points[3 * i + 1], points[3 * i + 2]),
    );
  const gradient = async (points: Float32Array) => {
    const h = 1e-4;
    const axis = (k: number, by: number) => at(points.map((x, i) => (i % 3 === k ? x + by : x)));
    const differences = [0, 1, 2].map((k) => [axis(k, h), axis(k, -h)]);
    return {
      distance: at(points),
      gradient: points.map(
        (_, i) => (differences[i % 3][0][Math.floor(i / 3)] - differences[i % 3][1][Math.floor(i / 3)]) / (2 * h),
      ),
    };
  };
  const evaluateParts = async (points: Float32Array) => {
    const distance = at(points);
    return {
      distance,
      partDistances: Float32Array.from({ length: 6 * distance.length }, (_, i) => (i % 6 === 0 ? distance[i / 6] : 1)),
    };
  };
  return {
    manifest,
    evaluate: async (points: Float32Array) => at(points),
    evaluateParts,
    gradient,
  } as unknown as SdfModel;
}

/** A ball of many triangles. */
function ball(rings: number): TriangleSurface {
  const positions: number[] = [];
  const triangles: number[] = [];
  for (let i = 0; i <= rings; i++) {
    for (let j = 0; j < 2 * rings; j++) {
      const [theta, phi] = [(Math.PI * i) / rings, (Math.PI * j) / rings];
      positions.push(
        RADIUS * Math.sin(theta) * Math.cos(phi),
        RADIUS * Math.cos(theta),
        RADIUS * Math.sin(theta) * Math.sin(phi),
      );
    }
  }
  for (let i = 0; i < rings; i++) {
    for (let j = 0; j < 2 * rings; j++) {
      const [a, b] = [i * 2 * rings + j, i * 2 * rings + ((j + 1) % (2 * rings))];
      const [c, d] = [a + 2 * rings, b + 2 * rings];
      if (i > 0) triangles.push(a, b, d);
      if (i < rings - 1) triangles.push(a, d, c);
    }
  }
  return new TriangleSurface(Float32Array.from(positions), Uint32Array.from(triangles));
}

const truth = ball(120);
const every = Uint32Array.from({ length: truth.triangles.length / 3 }, (_, i) => i);
const kit = {
  regions: { face: every, lips: every.filter((i) => i % 7 === 0), lids: every.filter((i) => i % 5 === 0) },
} as Parameters<typeof measureSurface>[2];
const measure = async (model: SdfModel) => ({
  surface: await measureSurface(model, codes, kit, truth, createRandom(1)),
  trace: await measureTrace(model, codes, { skin: truth, all: truth }, 0, createRandom(2)),
});

describe('figures of a model that is known', () => {
  it('are nothing where it is exact', async () => {
    const { surface, trace } = await measure(modelOf((x, y, z) => Math.hypot(x, y, z) - RADIUS));
    expect(quantile(surface.face, 1)).toBeLessThan(5e-5);
    expect(quantile(surface.normalDegrees, 1)).toBeLessThan(1.5);
    expect(quantile(surface.eikonal, 1)).toBeLessThan(1e-3);
    expect(quantile(trace.back, 1)).toBeLessThan(1e-4);
    expect(trace.rays).toBeGreaterThan(500);
    expect(trace.wrong).toBe(0);
  });

  it('are its error where it is a millimetre too large', async () => {
    const { surface, trace } = await measure(modelOf((x, y, z) => Math.hypot(x, y, z) - RADIUS - 0.001));
    for (const values of [surface.face, surface.lips, surface.lids, trace.back])
      expect(median(values)).toBeCloseTo(0.001, 4);
    expect(trace.wrong).toBe(0);
  });

  it('see a slope that is wrong', async () => {
    const { surface } = await measure(modelOf((x, y, z) => 1.3 * (Math.hypot(x, y, z) - RADIUS)));
    expect(median(surface.eikonal)).toBeCloseTo(0.3, 2);
    expect(quantile(surface.face, 1)).toBeLessThan(5e-5);
  });

  it('see a shell that floats outside', async () => {
    const { surface, trace } = await measure(
      modelOf((x, y, z) => Math.min(Math.hypot(x, y, z) - RADIUS, Math.hypot(x, y - 0.16, z) - 0.02)),
    );
    expect(quantile(surface.face, 1)).toBeLessThan(5e-5);
    expect(quantile(trace.back, 0.99)).toBeGreaterThan(0.03);
    expect(trace.wrong).toBeGreaterThan(10);
  });

  it('see a hole', async () => {
    const { surface, trace } = await measure(
      modelOf((x, y, z) => Math.max(Math.hypot(x, y, z) - RADIUS, 0.03 - Math.hypot(x, y, z - RADIUS))),
    );
    expect(quantile(surface.face, 1)).toBeGreaterThan(0.015);
    expect(trace.wrong).toBeGreaterThan(10);
  });
});
