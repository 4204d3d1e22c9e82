import type { Codes } from '@implicit-faces/sdf-core';
import { REGIONS, sampleChartMap } from '@implicit-faces/uv-param';
import type { BakeSource } from './baker.js';
import { layOut, type VolumeLayout } from './deformation-volume.js';
import { coverBox, type Lattice } from './lattice.js';
import { type LinearMesh, poseMesh } from './linear-mesh.js';

/** Between samples of D, metres: on the whole, and at eyes and mouth. Expressions change all of them at twice the step. */
export interface LayoutSteps {
  coarseStep: number;
  eyeStep: number;
  mouthStep: number;
}

/** What is fixed for an identity. */
export interface IdentityLayout {
  layout: VolumeLayout;
  /** `[V]`: how far outside of the mesh's vertices the zero set may be, metres. */
  margins: Float32Array;
  /** `[F]` which solids a triangle of the mesh belongs to: 1 the head, 2 the jaw, 3 both. */
  sheets: Uint8Array;
}

/** Around the surface, metres. */
const MARGIN = 4e-3;
/** Around the lips, metres. */
const LIP_MARGIN = 6e-3;
/** Half the size of an eye's block and its middle from the eyeball's centre, metres: lids and their folds. */
const EYE_HALF = [0.023, 0.018, 0.0145];
const EYE_MIDDLE = [0, 0, 0.0105];
/** The zero set may be this far outside of the mesh where nothing else is known, metres, */
export const PROXY_MARGIN = 1.2e-3;
/** and this much farther than it was found to be. */
const PROXY_SLACK = 8e-4;
/** but not farther than this: vertices deep inside are those of a surface that no ray meets. */
const PROXY_MOST = 5e-3;
/** How far from a solid's zero set its vertices may be, metres. */
const ON_SHEET = 1e-3;

/** A lattice of twice the step that has the first and last points of one that `doubled` made. */
export function coarsened({ origin, step, size }: Lattice): Lattice {
  return { origin, step: 2 * step, size: [(size[0] + 1) / 2, (size[1] + 1) / 2, (size[2] + 1) / 2] };
}

function doubled({ origin, step, size }: Lattice): Lattice {
  return { origin, step: step / 2, size: [2 * size[0] - 1, 2 * size[1] - 1, 2 * size[2] - 1] };
}

class Bounds {
  readonly min = [Infinity, Infinity, Infinity];
  readonly max = [-Infinity, -Infinity, -Infinity];

  add(points: Float32Array, vertex: number): void {
    for (let k = 0; k < 3; k++) {
      this.min[k] = Math.min(this.min[k], points[3 * vertex + k]);
      this.max[k] = Math.max(this.max[k], points[3 * vertex + k]);
    }
  }

  cover(margin: number, step: number): Lattice {
    return coverBox(
      this.min.map((x) => x - margin),
      this.max.map((x) => x + margin),
      step,
    );
  }
}

/** Finds where blocks are needed, from the face at rest and with the jaw wide open, and which triangles are of which solid. */
export async function findLayout(
  { manifest, layers, uv }: BakeSource,
  geometry: Float32Array,
  mesh: LinearMesh,
  { coarseStep, eyeStep, mouthStep }: LayoutSteps,
): Promise<IdentityLayout> {
  const regions = sampleChartMap(uv.topology.regions, uv.topology.skin.uv);
  const [head, jaw, mouth] = [new Bounds(), new Bounds(), new Bounds()];
  let kinds: Uint8Array | undefined;
  const margins = new Float32Array(mesh.rest.length / 3).fill(PROXY_MARGIN);
  for (const name of ['', 'jawOpen']) {
    const expression = Float32Array.from(manifest.expressionNames, (n) => (n === name ? 1 : 0));
    const positions = poseMesh(mesh, expression);
    const { canonical, corrections } = await layers.deform(positions, { geometry, expression });
    const distances = await Promise.all(
      [0, 1].map(async (s) => {
        const points = Float32Array.from(
          { length: positions.length },
          (_, i) => canonical[6 * Math.floor(i / 3) + 3 * s + (i % 3)],
        );
        const d = await layers.template(points);
        return Float32Array.from({ length: points.length / 3 }, (_, i) => d[2 * i + s] + corrections[2 * i + s]);
      }),
    );
    const [ofHead, ofJaw] = distances;
    for (let v = 0; v < ofHead.length; v++) {
      head.add(positions, v);
      if (ofJaw[v] < ofHead[v] + ON_SHEET) jaw.add(positions, v);
      if (regions[v] === REGIONS.lips) mouth.add(positions, v);
      margins[v] = Math.min(Math.max(margins[v], PROXY_SLACK - Math.min(ofHead[v], ofJaw[v])), PROXY_MOST);
    }
    kinds ??= Uint8Array.from(ofHead, (d, v) => {
      const kind = (d < ON_SHEET ? 1 : 0) | (ofJaw[v] < ON_SHEET ? 2 : 0);
      return kind || (d < ofJaw[v] ? 1 : 2);
    });
  }
  const rest: Codes = { geometry, expression: new Float32Array(manifest.codes.expression) };
  const transforms = await uv.partTransforms(rest);
  const eye = (e: number) => {
    const m = transforms.subarray(12 * e, 12 * e + 12);
    const c = layers.eyes[e].centre;
    const middle = EYE_MIDDLE.map(
      (shift, k) => m[4 * k] * c[0] + m[4 * k + 1] * c[1] + m[4 * k + 2] * c[2] + m[4 * k + 3] + shift,
    );
    return coverBox(
      middle.map((x, k) => x - EYE_HALF[k]),
      middle.map((x, k) => x + EYE_HALF[k]),
      2 * eyeStep,
    );
  };
  const lips = doubled(mouth.cover(LIP_MARGIN, 2 * mouthStep));
  const { triangles } = mesh;
  return {
    layout: layOut([
      { ...doubled(head.cover(MARGIN, 2 * coarseStep)), sheet: 0 },
      { ...doubled(eye(0)), sheet: 0 },
      { ...doubled(eye(1)), sheet: 0 },
      { ...lips, sheet: 0 },
      { ...doubled(jaw.cover(MARGIN, 2 * coarseStep)), sheet: 1 },
      { ...lips, sheet: 1 },
    ]),
    margins,
    sheets: Uint8Array.from(
      { length: triangles.length / 3 },
      (_, t) => kinds![triangles[3 * t]] & kinds![triangles[3 * t + 1]] & kinds![triangles[3 * t + 2]],
    ),
  };
}
