import type { Shading, VertexLight } from '../lighting.js';
import { computeTangents } from '../mesh-tangents.js';
import { bendNormal } from '../normal-map.js';
import type { PartMesh } from '../types.js';
import { normalise } from '../vectors.js';
import { createNormalMipmaps, type Mipmaps, sampleMipmaps } from './mipmaps.js';
import type { Raster } from './rasterize.js';

/** What the surfaces are made of: textures with the meshes' texel densities, or one linear albedo for all. */
export type Material = ({ mipmaps: readonly Mipmaps[]; densities: readonly Float32Array[] } | { albedo: number }) & {
  /** The meshes' normal maps, for those that have one; smooth when absent. */
  reliefs?: readonly (Relief | undefined)[];
};

/** A normal map, ready to be looked up. */
export interface Relief {
  mipmaps: Mipmaps;
  /** `[V]` as `computeTexelDensities`. */
  densities: Float32Array;
  /** `[V, 4]` as `computeTangents`. */
  tangents: Float32Array;
}

/** Prepares a mesh's normal map, if it has one. */
export function createRelief(mesh: PartMesh): Relief | undefined {
  if (!mesh.normalMap) return undefined;
  const mipmaps = createNormalMipmaps(mesh.normalMap);
  return { mipmaps, densities: computeTexelDensities(mesh, mipmaps), tangents: computeTangents(mesh) };
}

/**
 * The light that each pixel of a raster sends to the camera: albedo times shading at the smooth normal, or at the normal map's.
 *
 * @param light - as a function of the normal, or at the vertices of each mesh, where normal maps change nothing.
 * @param hidden - `[V, 3]` per mesh, what of a function's light does not reach the vertices.
 * @param focalLengthPx - of the raster's camera; with the depth it tells how many texels a pixel covers.
 * @param out - destination `[H, W, 3]` linear RGB; pixels that see nothing are left alone.
 */
export function shade(
  raster: Raster,
  meshes: readonly PartMesh[],
  focalLengthPx: number,
  material: Material,
  light: Shading | readonly VertexLight[],
  out = new Float32Array(3 * raster.part.length),
  hidden?: readonly Float32Array[],
): Float32Array {
  const shading = new Float64Array(3);
  const gloss = new Float64Array(3);
  const albedo = new Float64Array(3);
  const normal = new Float64Array(3);
  const tangent = new Float64Array(4);
  const detail = new Float64Array(3);
  if ('albedo' in material) albedo.fill(material.albedo);
  const { part, triangle, barycentrics, depth } = raster;
  for (let i = 0; i < part.length; i++) {
    const p = part[i];
    if (p < 0) continue;
    const { indices, normals, uvs } = meshes[p];
    const t = 3 * triangle[i];
    const a = indices[t];
    const b = indices[t + 1];
    const c = indices[t + 2];
    const wa = barycentrics[3 * i];
    const wb = barycentrics[3 * i + 1];
    const wc = barycentrics[3 * i + 2];
    if (typeof light === 'function') {
      for (let k = 0; k < 3; k++)
        normal[k] = wa * normals[3 * a + k] + wb * normals[3 * b + k] + wc * normals[3 * c + k];
      normalise(normal);
      const relief = material.reliefs?.[p];
      if (relief) {
        const { mipmaps, densities, tangents } = relief;
        const u = wa * uvs[2 * a] + wb * uvs[2 * b] + wc * uvs[2 * c];
        const v = wa * uvs[2 * a + 1] + wb * uvs[2 * b + 1] + wc * uvs[2 * c + 1];
        const density = wa * densities[a] + wb * densities[b] + wc * densities[c];
        sampleMipmaps(mipmaps, u, v, Math.log2((density * depth[i]) / focalLengthPx), detail);
        for (let k = 0; k < 3; k++)
          tangent[k] = wa * tangents[4 * a + k] + wb * tangents[4 * b + k] + wc * tangents[4 * c + k];
        tangent[3] = tangents[4 * a + 3];
        bendNormal(normal, tangent, detail);
      }
      light(normal[0], normal[1], normal[2], shading);
      const lost = hidden?.[p];
      if (lost) {
        for (let k = 0; k < 3; k++)
          shading[k] = Math.max(0, shading[k] - wa * lost[3 * a + k] - wb * lost[3 * b + k] - wc * lost[3 * c + k]);
      }
    } else {
      const at = light[p];
      for (let k = 0; k < 3; k++) {
        shading[k] = wa * at.shading[3 * a + k] + wb * at.shading[3 * b + k] + wc * at.shading[3 * c + k];
        gloss[k] = at.gloss ? wa * at.gloss[3 * a + k] + wb * at.gloss[3 * b + k] + wc * at.gloss[3 * c + k] : 0;
      }
    }
    if ('mipmaps' in material) {
      const u = wa * uvs[2 * a] + wb * uvs[2 * b] + wc * uvs[2 * c];
      const v = wa * uvs[2 * a + 1] + wb * uvs[2 * b + 1] + wc * uvs[2 * c + 1];
      const densities = material.densities[p];
      const density = wa * densities[a] + wb * densities[b] + wc * densities[c];
      const lod = Math.log2((density * depth[i]) / focalLengthPx);
      sampleMipmaps(material.mipmaps[p], u, v, lod, albedo);
    }
    out[3 * i] = albedo[0] * shading[0] + gloss[0];
    out[3 * i + 1] = albedo[1] * shading[1] + gloss[1];
    out[3 * i + 2] = albedo[2] * shading[2] + gloss[2];
  }
  return out;
}

/**
 * Texels per metre at each vertex `[V]`: the square root of texture area over surface area of the triangles around it. Interpolated, it
 * gives a level of detail that changes smoothly, where derivatives from neighbouring pixels would jump at edges. Foreshortening is left
 * to the supersampling, because following it would blur cheeks that are seen at a slant.
 */
export function computeTexelDensities({ positions, indices, uvs }: PartMesh, { levels }: Mipmaps): Float32Array {
  const texels = levels[0].width * levels[0].height;
  const textureArea = new Float64Array(positions.length / 3);
  const surfaceArea = new Float64Array(positions.length / 3);
  for (let t = 0; t < indices.length; t += 3) {
    const a = indices[t];
    const b = indices[t + 1];
    const c = indices[t + 2];
    const u1 = uvs[2 * b] - uvs[2 * a];
    const v1 = uvs[2 * b + 1] - uvs[2 * a + 1];
    const u2 = uvs[2 * c] - uvs[2 * a];
    const v2 = uvs[2 * c + 1] - uvs[2 * a + 1];
    const x1 = positions[3 * b] - positions[3 * a];
    const y1 = positions[3 * b + 1] - positions[3 * a + 1];
    const z1 = positions[3 * b + 2] - positions[3 * a + 2];
    const x2 = positions[3 * c] - positions[3 * a];
    const y2 = positions[3 * c + 1] - positions[3 * a + 1];
    const z2 = positions[3 * c + 2] - positions[3 * a + 2];
    const nx = y1 * z2 - z1 * y2;
    const ny = z1 * x2 - x1 * z2;
    const nz = x1 * y2 - y1 * x2;
    const inTexture = Math.abs(u1 * v2 - u2 * v1) * texels;
    const onSurface = Math.sqrt(nx * nx + ny * ny + nz * nz);
    for (let k = 0; k < 3; k++) {
      textureArea[indices[t + k]] += inTexture;
      surfaceArea[indices[t + k]] += onSurface;
    }
  }
  return Float32Array.from(textureArea, (area, i) => Math.sqrt(area / (surfaceArea[i] || 1)));
}
