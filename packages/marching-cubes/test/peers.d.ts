// The reference implementations have no types of their own.
declare module 'isosurface' {
  type Extract = (
    dims: readonly number[],
    potential: (x: number, y: number, z: number) => number,
    bounds?: readonly (readonly number[])[],
  ) => { positions: number[][]; cells: number[][] };
  export const marchingCubes: Extract;
  export const surfaceNets: Extract;
}
declare module 'surface-nets' {
  export default function surfaceNets(grid: unknown, isolevel?: number): { positions: number[][]; cells: number[][] };
}
declare module 'ndarray' {
  export default function ndarray(data: ArrayLike<number>, shape: number[], stride: number[]): unknown;
}
