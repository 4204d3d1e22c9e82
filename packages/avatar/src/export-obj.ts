import { exportName } from './export-glb.js';
import type { PartMesh, RgbaImage } from './types.js';

/** A Wavefront OBJ file and what it refers to. */
export interface ObjExport {
  /** Text of `NAME.obj`. */
  obj: string;
  /** Text of `NAME.mtl`. */
  mtl: string;
  /** The pictures that the materials name, to be written beside: file name to picture. */
  images: Record<string, RgbaImage>;
}

/**
 * Writes meshes as Wavefront OBJ, one object and material per part. OBJ has v upward, metres by agreement, and no blendshapes.
 *
 * @param name - of the files, without extension.
 * @example const { obj, mtl, images } = exportObj(await avatarMeshes(model, avatar), 'me');
 */
export function exportObj(meshes: readonly PartMesh[], name: string): ObjExport {
  const obj = [`mtllib ${name}.mtl`];
  const mtl: string[] = [];
  const images: Record<string, RgbaImage> = {};
  // OBJ counts vertices from 1, through all objects.
  let first = 1;
  for (const { name: part, positions, normals, uvs, indices, image } of meshes) {
    const material = exportName(part);
    const file = `${name}-${material}.png`;
    images[file] = image;
    mtl.push(`newmtl ${material}`, 'Kd 1 1 1', 'Ks 0 0 0', `map_Kd ${file}`, '');
    obj.push(`o ${material}`, `usemtl ${material}`);
    for (let i = 0; i < positions.length; i += 3) obj.push(`v ${decimals(positions.subarray(i, i + 3), 6)}`);
    for (let i = 0; i < uvs.length; i += 2) obj.push(`vt ${decimals([uvs[i], 1 - uvs[i + 1]], 6)}`);
    for (let i = 0; i < normals.length; i += 3) obj.push(`vn ${decimals(normals.subarray(i, i + 3), 4)}`);
    for (let t = 0; t < indices.length; t += 3) {
      const corners = Array.from(indices.subarray(t, t + 3), (index) =>
        Array(3)
          .fill(first + index)
          .join('/'),
      );
      obj.push(`f ${corners.join(' ')}`);
    }
    first += positions.length / 3;
  }
  return { obj: `${obj.join('\n')}\n`, mtl: mtl.join('\n'), images };
}

function decimals(values: ArrayLike<number>, digits: number): string {
  return Array.from(values, (value) => value.toFixed(digits)).join(' ');
}
