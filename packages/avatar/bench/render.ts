// Milliseconds per 512x512 picture of a head-sized ball of about 10,000 vertices with a 1024x1024 texture.
import { cpus } from 'node:os';
import { createMipmaps, createRaster, rasterize, renderAvatar, viewCamera } from '../src/index.js';
import { ballMesh, checkerImage } from '../test/meshes.js';

const image = checkerImage(1024, 64, [
  [210, 160, 130],
  [120, 80, 60],
]);
const meshes = [ballMesh('skin', 0.14, [0, -0.02, 0], image, 144)];
const camera = viewCamera(-30);
const lighting = new Float32Array(27);
lighting.fill(3, 0, 3);
const size = { width: 512, height: 512 };
const raster = createRaster(512, 512);
const mipmaps = [createMipmaps(image)];

const cases: Record<string, () => ArrayLike<number>> = {
  rasterize: () => rasterize(meshes, camera, size, raster).depth,
  'rasterize, cullBack': () => rasterize(meshes, camera, { ...size, cullBack: true }, raster).depth,
  createMipmaps: () => createMipmaps(image).levels[1].data,
  'renderAvatar, 1 sample': () => renderAvatar(meshes, camera, lighting, { ...size, mipmaps, supersample: 1 }).data,
  'renderAvatar, 2x2 samples': () => renderAvatar(meshes, camera, lighting, { ...size, mipmaps }).data,
  'renderAvatar, clay': () => renderAvatar(meshes, camera, lighting, { ...size, clay: true }).data,
};

console.log(
  `${cpus()[0].model}, Node ${process.version}, ${meshes[0].positions.length / 3} vertices, ${meshes[0].indices.length / 3} triangles`,
);
for (const [name, run] of Object.entries(cases)) {
  const times: number[] = [];
  let checksum = 0;
  for (let i = 0; i < 12; i++) {
    const start = performance.now();
    const result = run();
    times.push(performance.now() - start);
    checksum = 0;
    for (let k = 0; k < result.length; k += 97) checksum += Number.isFinite(result[k]) ? result[k] : 0;
  }
  times.sort((a, b) => a - b);
  console.log(`${name.padEnd(28)} ${times[5].toFixed(1).padStart(7)} ms   checksum ${checksum.toFixed(2)}`);
}
