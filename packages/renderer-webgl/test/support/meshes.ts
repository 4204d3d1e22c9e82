import type { PartImage, PartMesh } from '../../src/index.js';

/** A sphere whose u runs once round it from behind (-Z) and whose v runs down. */
export function sphereMesh(
  name: string,
  options: { center?: readonly [number, number, number]; radius?: number; image?: PartImage; rows?: number } = {},
): PartMesh {
  const { center = [0, 0, 0], radius = 1, image = solidImage([255, 255, 255]), rows = 32 } = options;
  const columns = 2 * rows;
  const normals: number[] = [];
  const uvs: number[] = [];
  const indices: number[] = [];
  for (let row = 0; row <= rows; row++) {
    for (let column = 0; column <= columns; column++) {
      const [u, v] = [column / columns, row / rows];
      const [polar, around] = [Math.PI * v, 2 * Math.PI * u];
      normals.push(-Math.sin(polar) * Math.sin(around), Math.cos(polar), -Math.sin(polar) * Math.cos(around));
      uvs.push(u, v);
      if (row === rows || column === columns) continue;
      const a = row * (columns + 1) + column;
      const b = a + columns + 1;
      indices.push(a, b, a + 1, a + 1, b, b + 1);
    }
  }
  return {
    name,
    positions: Float32Array.from(normals, (n, i) => center[i % 3] + radius * n),
    normals: Float32Array.from(normals),
    uvs: Float32Array.from(uvs),
    indices: Uint32Array.from(indices),
    image,
  };
}

/** One texel of one colour. */
export function solidImage([r, g, b]: readonly [number, number, number]): PartImage {
  return { data: Uint8Array.of(r, g, b, 255), width: 1, height: 1 };
}

/** A normal map of dents in rows and columns, `[size, size]` texels. */
export function dentedMap(size: number, dents: number): PartImage {
  const data = new Uint8Array(4 * size * size);
  for (let i = 0; i < size * size; i++) {
    const [x, y] = [(2 * Math.PI * dents * (i % size)) / size, (2 * Math.PI * dents * Math.floor(i / size)) / size];
    const lean = [0.5 * Math.sin(x), 0.5 * Math.cos(y)];
    const up = Math.sqrt(1 - lean[0] ** 2 - lean[1] ** 2);
    data.set(
      [...lean, up, 1].map((c) => Math.round(127.5 * (c + 1))),
      4 * i,
    );
  }
  return { data, width: size, height: size };
}

/** Squares of two colours; the top left one is light. */
export function checkerImage(size: number, squares: number): PartImage {
  const data = new Uint8Array(4 * size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const light = (Math.floor((x * squares) / size) + Math.floor((y * squares) / size)) % 2 === 0;
      data.set(light ? [230, 190, 165, 255] : [90, 120, 170, 255], 4 * (y * size + x));
    }
  }
  return { data, width: size, height: size };
}
