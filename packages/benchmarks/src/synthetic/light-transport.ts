import {
  type Camera,
  createRaster,
  type PartMesh,
  rasterize,
  type VertexLight,
  visiblePoints,
} from '@implicit-faces/avatar';
import type { FarLight } from './environment.js';

/** How a part reflects: the exponent of its highlights (Blinn and Phong), 0 for none. */
export type Gloss = number;

/** Around the head and shoulders, metres: what the shadow maps see. What lies outside is lit. */
const CENTRE = [0, -0.06, 0] as const;
const FRAME = 0.62;
const DISTANCE = 12;
const SHADOW_SIZE = 288;
const SHADOW_TOLERANCE = 0.0012;
/** What skin and cloth send into each other's shadows. */
const BOUNCE = 0.12;
/** Reflectance at normal incidence of skin, tears and hair. */
const F0 = 0.035;

/** Which vertices of which mesh each light reaches, 1 or 0: `[lights][meshes]`, `[V]`. */
export type Shadows = Uint8Array[][];

/** Casts the shadows of all meshes on all, light by light, by the depth that a light sees. */
export function castShadows(meshes: readonly PartMesh[], lights: readonly FarLight[]): Shadows {
  const raster = createRaster(SHADOW_SIZE, SHADOW_SIZE);
  return lights.map(({ direction }) => {
    const camera = lightCamera(direction);
    rasterize(meshes, camera, { width: SHADOW_SIZE, height: SHADOW_SIZE }, raster);
    return meshes.map(({ positions }) => {
      const lit = visiblePoints(raster, camera, positions, { tolerance: SHADOW_TOLERANCE });
      for (let n = 0; n < lit.length; n++) {
        const [x, y, z] = positions.subarray(3 * n, 3 * n + 3);
        if (Math.hypot(x - CENTRE[0], y - CENTRE[1], z - CENTRE[2]) > FRAME / 2) lit[n] = 1;
      }
      return lit;
    });
  });
}

/**
 * The light that arrives at every vertex from far lights, with cast shadows, and the highlights that one camera sees.
 *
 * @param meshes - in the scene's world axes, metres; all cast shadows on all.
 * @param gloss - of each mesh.
 * @param eye - the camera's place.
 * @param shadows - when they are known from another view.
 */
export function transportLight(
  meshes: readonly PartMesh[],
  gloss: readonly Gloss[],
  lights: readonly FarLight[],
  eye: readonly [number, number, number],
  shadows: Shadows = castShadows(meshes, lights),
): VertexLight[] {
  const result = meshes.map(({ positions }) => ({
    shading: new Float32Array(positions.length),
    gloss: new Float32Array(positions.length),
  }));
  for (const [l, { direction, irradiance }] of lights.entries()) {
    meshes.forEach(({ positions, normals }, m) => {
      const lit = shadows[l][m];
      const { shading, gloss: highlights } = result[m];
      for (let n = 0; n < lit.length; n++) {
        const [nx, ny, nz] = [normals[3 * n], normals[3 * n + 1], normals[3 * n + 2]];
        const cosine = nx * direction[0] + ny * direction[1] + nz * direction[2];
        if (cosine <= 0) continue;
        const [x, y, z] = [positions[3 * n], positions[3 * n + 1], positions[3 * n + 2]];
        const diffuse = (cosine * (BOUNCE + (1 - BOUNCE) * lit[n])) / Math.PI;
        for (let c = 0; c < 3; c++) shading[3 * n + c] += diffuse * irradiance[c];
        if (!lit[n] || gloss[m] === 0) continue;
        const [vx, vy, vz] = [eye[0] - x, eye[1] - y, eye[2] - z];
        const away = Math.hypot(vx, vy, vz);
        const half = [direction[0] + vx / away, direction[1] + vy / away, direction[2] + vz / away];
        const length = Math.hypot(...half) || 1;
        const nh = Math.max(0, (nx * half[0] + ny * half[1] + nz * half[2]) / length);
        const vh = Math.max(0, (vx * half[0] + vy * half[1] + vz * half[2]) / away / length);
        const fresnel = F0 + (1 - F0) * (1 - vh) ** 5;
        const lobe = (cosine * fresnel * (gloss[m] + 8) * nh ** gloss[m]) / (8 * Math.PI);
        for (let c = 0; c < 3; c++) highlights[3 * n + c] += lobe * irradiance[c];
      }
    });
  }
  return result;
}

/** Looks at the head from far away in the light's direction. */
function lightCamera([x, y, z]: readonly [number, number, number]): Camera {
  // Right and up across the direction; any pair will do.
  const flat = Math.hypot(x, z);
  const right = flat > 1e-6 ? [z / flat, 0, -x / flat] : [1, 0, 0];
  const up = [y * right[2] - z * right[1], z * right[0] - x * right[2], x * right[1] - y * right[0]];
  const axes = [right, up, [x, y, z]];
  const shift = axes.map((axis) => -(axis[0] * CENTRE[0] + axis[1] * CENTRE[1] + axis[2] * CENTRE[2]));
  shift[2] -= DISTANCE;
  return {
    cameraFromWorld: [...[0, 1, 2].flatMap((c) => [...axes.map((axis) => axis[c]), 0]), ...shift, 1],
    focalLengthPx: (SHADOW_SIZE * DISTANCE) / FRAME,
    principalPointPx: [SHADOW_SIZE / 2, SHADOW_SIZE / 2],
  };
}
