import { computeNormals, type PartMesh, type RgbaImage } from '../src/index.js';

/** The unit square at z = 0, facing +Z, in `columns x rows` cells of two triangles; UV like a texture seen from the front. */
export function gridMesh(
  columns: number,
  rows: number,
): { positions: Float32Array; uvs: Float32Array; indices: Uint32Array } {
  const positions: number[] = [];
  const uvs: number[] = [];
  const indices: number[] = [];
  for (let j = 0; j <= rows; j++) {
    for (let i = 0; i <= columns; i++) {
      positions.push(i / columns, j / rows, 0);
      uvs.push(i / columns, 1 - j / rows);
      if (i === columns || j === rows) continue;
      const a = j * (columns + 1) + i;
      const d = a + columns + 1;
      indices.push(a, a + 1, d + 1, a, d + 1, d);
    }
  }
  return { positions: new Float32Array(positions), uvs: new Float32Array(uvs), indices: new Uint32Array(indices) };
}

/** A ball of longitudes and latitudes. */
export function ballMesh(
  name: string,
  radius: number,
  centre: readonly number[],
  image: RgbaImage,
  segments = 24,
): PartMesh {
  const { uvs, indices } = gridMesh(segments, segments / 2);
  const positions = new Float32Array((uvs.length / 2) * 3);
  for (let i = 0; i < uvs.length / 2; i++) {
    const longitude = (uvs[2 * i] - 0.5) * 2 * Math.PI;
    const latitude = (0.5 - uvs[2 * i + 1]) * Math.PI;
    positions[3 * i] = centre[0] + radius * Math.cos(latitude) * Math.sin(longitude);
    positions[3 * i + 1] = centre[1] + radius * Math.sin(latitude);
    positions[3 * i + 2] = centre[2] + radius * Math.cos(latitude) * Math.cos(longitude);
  }
  const normals = new Float32Array(positions.length);
  for (let i = 0; i < positions.length; i++) normals[i] = (positions[i] - centre[i % 3]) / radius;
  return { name, positions, normals, uvs, indices, image };
}

/** Any mesh as a part, with a texture of one colour unless given. */
export function partMesh(
  name: string,
  mesh: { positions: Float32Array; uvs: Float32Array; indices: Uint32Array },
  image: RgbaImage = flatImage(1, 1, [200, 150, 120]),
): PartMesh {
  return { name, ...mesh, normals: computeNormals(mesh.positions, mesh.indices), image };
}

export function flatImage(width: number, height: number, [r, g, b]: readonly number[]): RgbaImage {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i += 4) data.set([r, g, b, 255], i);
  return { data, width, height };
}

/** Squares of two colours. */
export function checkerImage(size: number, squares: number, colours: readonly (readonly number[])[]): RgbaImage {
  const image = flatImage(size, size, colours[0]);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const odd = (Math.floor((x * squares) / size) + Math.floor((y * squares) / size)) % 2;
      if (odd) image.data.set([...colours[1], 255], 4 * (y * size + x));
    }
  }
  return image;
}
