import type { FaceModel } from '@implicit-faces/avatar';
import type { UvModel } from '@implicit-faces/uv-param';
import { locateOnChart } from './chart.js';
import type { FaceKit } from './face-kit.js';
import { type AtlasCheck, placesAt } from './uv-metrics.js';

/** Of the two places of a linear model that are asked for. */
type LinearPlaces = Pick<UvModel, 'surfaceFromUv' | 'surfaceJacobian'>;

/**
 * A mesh-only linear 3D morphable model in the shape of ours: the skin is ICT-FaceKit's mesh of triangles at `neutral + identity basis . geometry + expression basis . expression`, without a signed distance function, a
 * deformation or contact. Codes mean the same as the networks', so encoder, losses and texture basis stay as they are; eyes, teeth and tongue move by the model's own transforms.
 *
 * @param chart - `[V, 2]` where FaceKit's skin vertices lie on the model's chart.
 * @see Blanz and Vetter, "A morphable model for the synthesis of 3D faces", 1999
 */
export function createLinearFaceModel(model: FaceModel, kit: FaceKit, chart: Float32Array): FaceModel {
  const { geometry, expression } = model.manifest.codes;
  const located = new WeakMap<Float32Array, AtlasCheck>();
  const locate = (uv: Float32Array) => {
    const known = located.get(uv) ?? locateOnChart(uv, chart, kit.openSkin);
    located.set(uv, known);
    return known;
  };
  const places: LinearPlaces = {
    async surfaceFromUv(uv, codes, out) {
      const points = placesAt(locate(uv), kit.linearSum(codes.geometry, codes.expression));
      out?.set(points);
      return out ?? points;
    },
    async surfaceJacobian(uv, codes) {
      const check = locate(uv);
      const rest = kit.linearSum(new Float32Array(geometry), new Float32Array(expression));
      const jacobian = new Float32Array(3 * (uv.length / 2) * (geometry + expression));
      const unit = { geometry: new Float32Array(geometry), expression: new Float32Array(expression) };
      const size = geometry + expression;
      for (let k = 0; k < size; k++) {
        const [code, at] = k < geometry ? [unit.geometry, k] : [unit.expression, k - geometry];
        code[at] = 1;
        const moved = kit.linearSum(unit.geometry, unit.expression);
        code[at] = 0;
        const column = placesAt(
          check,
          moved.map((x, i) => x - rest[i]),
        );
        for (let i = 0; i < column.length; i++) jacobian[i * size + k] = column[i];
      }
      return { points: await places.surfaceFromUv(uv, codes), jacobian };
    },
  };
  return { ...model, uv: { ...model.uv, ...places } };
}
