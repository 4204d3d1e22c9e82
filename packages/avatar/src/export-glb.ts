import {
  Accessor,
  Document,
  type GLTF,
  Logger,
  type Material,
  type Mesh,
  Primitive,
  WebIO,
} from '@gltf-transform/core';
import { type ArkitRig, computeArkitRig, type RiggedMesh } from './arkit-rig.js';
import type { FaceModel } from './face-model.js';
import type { Avatar, RgbaImage } from './types.js';

/** Makes a PNG file of an opaque sRGB picture; `./node` has one. */
export type EncodePng = (image: RgbaImage) => Uint8Array | Promise<Uint8Array>;

export interface ExportGlbOptions {
  encodePng: EncodePng;
  signal?: AbortSignal;
}

/** How rough each part is under glTF's metallic-roughness model; eyes, teeth and tongue are wet. */
const ROUGHNESS: Record<string, number> = {
  eyeLeft: 0.12,
  eyeRight: 0.12,
  teethUpper: 0.3,
  teethLower: 0.3,
  tongue: 0.4,
};
const SKIN_ROUGHNESS = 0.55;

/** What a part is called in exported files. */
export function exportName(part: string): string {
  return part === 'skin' ? 'head' : part;
}

/**
 * Writes the avatar as a binary glTF file: a node per part (`head`, `eyeLeft`, `eyeRight`, `teethUpper`, `teethLower`, `tongue`), each a
 * mesh with its own material and texture. Every mesh that moves has Apple's 52 blendshapes in `targets`, their names in
 * `extras.targetNames`, and `weights` at the fitted expression. Metres, +Y up, the face looks to +Z.
 *
 * @throws FaceError `MODEL_MISMATCH`, `CODES` as `avatarMeshes` does.
 * @example await writeFile('avatar.glb', await exportGlb(model, avatar, { encodePng }));
 */
export async function exportGlb(
  model: FaceModel,
  avatar: Avatar,
  { encodePng, signal }: ExportGlbOptions,
): Promise<Uint8Array> {
  const rig = await computeArkitRig(model, avatar, { signal });
  const document = new Document();
  const root = document.getRoot();
  document.createBuffer();
  Object.assign(root.getAsset(), {
    generator: '@implicit-faces/avatar',
    extras: { modelId: avatar.modelId, units: 'metre' },
  });
  const top = document.createNode('avatar');
  const scene = document.createScene('avatar').addChild(top);
  root.setDefaultScene(scene);
  for (const mesh of rig.meshes) {
    signal?.throwIfAborted();
    const name = exportName(mesh.name);
    const material = addMaterial(document, name, mesh.name, await encodePng(mesh.image));
    top.addChild(document.createNode(name).setMesh(addMesh(document, name, mesh, rig, material)));
  }
  return new WebIO().setLogger(new Logger(Logger.Verbosity.SILENT)).writeBinary(document);
}

function addMaterial(document: Document, name: string, part: string, png: Uint8Array): Material {
  const texture = document.createTexture(name).setImage(png).setMimeType('image/png');
  return document
    .createMaterial(name)
    .setBaseColorTexture(texture)
    .setMetallicFactor(0)
    .setRoughnessFactor(ROUGHNESS[part] ?? SKIN_ROUGHNESS);
}

function addMesh(document: Document, name: string, mesh: RiggedMesh, rig: ArkitRig, material: Material): Mesh {
  const vertexCount = mesh.positions.length / 3;
  // The largest index of a type is reserved by glTF.
  const indices = vertexCount < 65535 ? Uint16Array.from(mesh.indices) : mesh.indices;
  const primitive = document
    .createPrimitive()
    .setMode(Primitive.Mode.TRIANGLES)
    .setMaterial(material)
    .setAttribute('POSITION', addAccessor(document, mesh.positions))
    .setAttribute('NORMAL', addAccessor(document, mesh.normals))
    .setAttribute('TEXCOORD_0', addAccessor(document, mesh.uvs, Accessor.Type.VEC2))
    .setIndices(addAccessor(document, indices, Accessor.Type.SCALAR));
  const result = document.createMesh(name).addPrimitive(primitive);
  if (!mesh.targets.some(Boolean)) return result;

  const still = addAccessor(document, new Float32Array(mesh.positions.length)).setSparse(true);
  rig.names.forEach((target, k) => {
    const motion = mesh.targets[k];
    primitive.addTarget(
      document
        .createPrimitiveTarget(target)
        .setAttribute('POSITION', motion ? addSparse(document, motion.positions) : still)
        .setAttribute('NORMAL', motion ? addSparse(document, motion.normals) : still),
    );
  });
  return result.setWeights([...rig.weights]).setExtras({ targetNames: [...rig.names] });
}

function addAccessor(
  document: Document,
  array: Float32Array | Uint16Array | Uint32Array,
  type: GLTF.AccessorType = Accessor.Type.VEC3,
): Accessor {
  return document.createAccessor().setType(type).setArray(array).setBuffer(document.getRoot().listBuffers()[0]);
}

/** Stored as a list of the vertices that move, where that is shorter. */
function addSparse(document: Document, vectors: Float32Array): Accessor {
  let moving = 0;
  for (let i = 0; i < vectors.length; i += 3) {
    if (vectors[i] !== 0 || vectors[i + 1] !== 0 || vectors[i + 2] !== 0) moving++;
  }
  return addAccessor(document, vectors).setSparse(moving * 2 < vectors.length / 3);
}
