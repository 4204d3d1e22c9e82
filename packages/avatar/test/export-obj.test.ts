import { expect, it } from 'vitest';
import { exportObj } from '../src/index.js';
import { flatImage, gridMesh, partMesh } from './meshes.js';

it('exportObj writes objects, materials and the names of pictures', () => {
  const skin = partMesh('skin', gridMesh(1, 1));
  const tongue = partMesh('tongue', gridMesh(1, 1), flatImage(2, 2, [1, 2, 3]));
  const { obj, mtl, images } = exportObj([skin, tongue], 'me');
  expect(obj.split('\n')).toEqual([
    'mtllib me.mtl',
    'o head',
    'usemtl head',
    'v 0.000000 0.000000 0.000000',
    'v 1.000000 0.000000 0.000000',
    'v 0.000000 1.000000 0.000000',
    'v 1.000000 1.000000 0.000000',
    'vt 0.000000 0.000000',
    'vt 1.000000 0.000000',
    'vt 0.000000 1.000000',
    'vt 1.000000 1.000000',
    ...Array(4).fill('vn 0.0000 0.0000 1.0000'),
    'f 1/1/1 2/2/2 4/4/4',
    'f 1/1/1 4/4/4 3/3/3',
    'o tongue',
    'usemtl tongue',
    ...obj.split('\n').slice(3, 15),
    'f 5/5/5 6/6/6 8/8/8',
    'f 5/5/5 8/8/8 7/7/7',
    '',
  ]);
  expect(mtl).toContain('newmtl tongue\nKd 1 1 1\nKs 0 0 0\nmap_Kd me-tongue.png');
  expect(images).toEqual({ 'me-head.png': skin.image, 'me-tongue.png': tongue.image });
});
