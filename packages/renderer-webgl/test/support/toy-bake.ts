import type { PosedBake, StaticBake } from '../../src/bake/baker.js';
import { CHANNELS, createValues, layOut, writeBlock } from '../../src/bake/deformation-volume.js';
import { coverBox, type Lattice, latticeCount, latticePoints } from '../../src/bake/lattice.js';
import { bakeParts } from '../../src/bake/part-grids.js';
import type { ProxyMesh } from '../../src/bake/proxy-mesh.js';
import { bakeTemplate } from '../../src/bake/template-bricks.js';
import { solidImage, sphereMesh } from './meshes.js';

const eye = solidImage([235, 230, 225]);
const tooth = solidImage([250, 245, 220]);
/** What the toy's parts after the skin look like. */
export const TOY_ALBEDOS = {
  eyeLeft: eye,
  eyeRight: eye,
  teethUpper: tooth,
  teethLower: tooth,
  tongue: solidImage([200, 90, 90]),
};

const JAW = [0, -0.06, 0.06] as const;
const BOUNDS = { min: [-0.13, -0.13, -0.13], max: [0.13, 0.13, 0.13] };

/** A ball for a head, a smaller one for a jaw, balls for what is in the mouth: canonical space, metres. */
export const TOY_TEMPLATES = [
  (x: number, y: number, z: number) => Math.hypot(x, y, z) - 0.09,
  (x: number, y: number, z: number) => Math.hypot(x - JAW[0], y - JAW[1], z - JAW[2]) - 0.045,
] as const;

/** What bends the toy: canonical minus posed, metres. */
export function toyOffset(sheet: number, x: number, y: number): [number, number, number] {
  return [0.004 * Math.sin(20 * y), 0.003 * Math.sin(25 * x) + 0.004 * sheet, 0.002 * Math.cos(18 * x)];
}

/** Balls around head and jaw, as far off as `toyOffset` may bend them. */
function toyProxy(): ProxyMesh {
  const balls = [sphereMesh('head', { radius: 0.09 }), sphereMesh('jaw', { center: JAW, radius: 0.045 })];
  const count = balls[0].positions.length / 3;
  return {
    positions: Float32Array.from(balls.flatMap(({ positions }) => [...positions])),
    triangles: Uint32Array.from(balls.flatMap(({ indices }, b) => [...indices].map((i) => i + b * count))),
    margins: new Float32Array(2 * count).fill(0.01),
  };
}

export async function createToyBake(): Promise<{ fixed: StaticBake; bake: PosedBake }> {
  const map = (points: Float32Array, f: (x: number, y: number, z: number) => number[]) => {
    const out: number[] = [];
    for (let i = 0; i < points.length; i += 3) out.push(...f(points[i], points[i + 1], points[i + 2]));
    return Float32Array.from(out);
  };
  const template = await bakeTemplate(
    {
      distance: async (sheet, points) => map(points, (x, y, z) => [TOY_TEMPLATES[sheet](x, y, z)]),
      uv: async (points) => map(points, (x, y) => [0.5 + 4 * x, 0.5 - 4 * y]),
    },
    2,
    BOUNDS,
    // The jaw bends more than the head: its bricks are fine ones.
    { spacing: 2.5e-3, band: 5e-3, refineAbove: 9e-6 },
  );
  const mouthBoxes = [0.02, 0, -0.02].map((y) => ({
    min: [-0.02, y - 0.013, 0.06] as const,
    max: [0.02, y + 0.013, 0.1] as const,
  }));
  const parts = await bakeParts({
    mouthBoxes,
    mouthParts: async (points) =>
      map(points, (x, y, z) => [0.02, 0, -0.02].map((c) => Math.hypot(x, y - c, z - 0.08) - 0.0125)),
  });
  const eye = (x: number) => ({
    centre: Float32Array.of(x, 0.035, 0.075),
    radius: 0.018,
    bulge: 0.0205,
    frame: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
  });
  const fixed: StaticBake = { template, parts, eyes: [eye(0.035), eye(-0.035)], mouthBoxes };

  const around = (c: readonly [number, number, number], half: number, step: number) =>
    coverBox(
      c.map((x) => x - half),
      c.map((x) => x + half),
      step,
    );
  const mouth = around([0, -0.03, 0.08], 0.03, 2e-3);
  const layout = layOut([
    { ...coverBox(BOUNDS.min, BOUNDS.max, 8e-3), sheet: 0 },
    { ...around([0.035, 0.035, 0.085], 0.022, 2e-3), sheet: 0 },
    { ...around([-0.035, 0.035, 0.085], 0.022, 2e-3), sheet: 0 },
    { ...mouth, sheet: 0 },
    { ...around(JAW, 0.056, 8e-3), sheet: 1 },
    { ...mouth, sheet: 1 },
  ]);
  const data = new Uint16Array(CHANNELS * layout.size[0] * layout.size[1] * layout.size[2]);
  for (const block of layout.blocks) {
    const change = createValues(block);
    const points = latticePoints(
      block as Lattice,
      Uint32Array.from({ length: latticeCount(block) }, (_, i) => i),
    );
    for (let i = 0; i < points.length / 3; i++) {
      change.values.set([...toyOffset(block.sheet, points[3 * i], points[3 * i + 1]), 0], CHANNELS * i);
    }
    writeBlock(block, change.values, layout.size, data);
  }
  const still = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
  // About the right eyeball's own centre, so that it stays in its block.
  const turned = [0.96, 0, 0.28, -0.0224, 0, 1, 0, 0, -0.28, 0, 0.96, -0.0068];
  return {
    fixed,
    bake: {
      volume: { ...layout, data },
      partTransforms: Float32Array.from([still, turned, still, still, still].flat()),
      proxy: toyProxy(),
      bounds: { min: Float32Array.from(BOUNDS.min), max: Float32Array.from(BOUNDS.max) },
      exact: true,
    },
  };
}
