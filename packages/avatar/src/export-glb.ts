import {
  Accessor,
  Document,
  type GLTF,
  Logger,
  type Material,
  type Mesh,
  type Node,
  Primitive,
  WebIO,
} from '@gltf-transform/core';
import type { ExpressionTrack } from './animation.js';
import { type ArkitRig, computeArkitRig, type RiggedMesh } from './arkit-rig.js';
import { type AvatarErrorCode, FaceError } from './errors.js';
import type { FaceModel } from './face-model.js';
import { computeTangents } from './mesh-tangents.js';
import type { Avatar, RgbaImage } from './types.js';

/** Makes a PNG file of an opaque sRGB picture; `./node` has one. */
export type EncodePng = (image: RgbaImage) => Uint8Array | Promise<Uint8Array>;

export interface ExportGlbOptions {
  encodePng: EncodePng;
  /** Makes an animation of the file: the weights of every mesh, linear between its frames, and the head's rotation about its origin, if it has one. */
  animation?: ExpressionTrack;
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
 * `extras.targetNames`, and `weights` at the fitted expression. Metres, +Y up, the face looks to +Z. A normal map becomes the material's `normalTexture`, and its mesh then
 * has tangents of its own, at rest: viewers need not agree on how to make some.
 *
 * @throws FaceError `MODEL_MISMATCH`, `CODES` as `avatarMeshes` does; `ANIMATION` when the animation has no frames, not one per time, or times that do not rise.
 * @example await writeFile('avatar.glb', await exportGlb(model, avatar, { encodePng }));
 */
export async function exportGlb(
  model: FaceModel,
  avatar: Avatar,
  { encodePng, animation, signal }: ExportGlbOptions,
): Promise<Uint8Array> {
  if (animation) checkAnimation(animation);
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
    if (mesh.normalMap) {
      const relief = document.createTexture(`${name}Normals`).setImage(await encodePng(mesh.normalMap));
      material.setNormalTexture(relief.setMimeType('image/png'));
    }
    top.addChild(document.createNode(name).setMesh(addMesh(document, name, mesh, rig, material)));
  }
  if (animation) addAnimation(document, top, rig, animation);
  return new WebIO().setLogger(new Logger(Logger.Verbosity.SILENT)).writeBinary(document);
}

function checkAnimation({ times, frames, rotations }: ExpressionTrack): void {
  const isRising = Array.prototype.every.call(times, (t: number, i: number) => (i === 0 ? t >= 0 : t > times[i - 1]));
  if (frames.length > 0 && times.length === frames.length && isRising && rotations?.length !== 0) {
    if (rotations === undefined || rotations.length === 4 * frames.length) return;
  }
  throw new FaceError<AvatarErrorCode>(
    'ANIMATION',
    `exportGlb: an animation needs frames and as many rising times from 0 on, with 4 numbers of rotation each or none; received ${frames.length} frames, ${times.length} times and ${rotations?.length ?? 0} numbers of rotation.`,
  );
}

/** Weights of each mesh that has some, and the rotation of the node above them. */
function addAnimation(
  document: Document,
  top: Node,
  { names }: ArkitRig,
  { times, frames, rotations }: ExpressionTrack,
): void {
  const animation = document.createAnimation('clip');
  const input = addAccessor(document, Float32Array.from(times), Accessor.Type.SCALAR);
  const add = (node: Node, path: GLTF.AnimationChannelTargetPath, output: Accessor) => {
    const sampler = document.createAnimationSampler().setInput(input).setOutput(output).setInterpolation('LINEAR');
    const channel = document.createAnimationChannel().setTargetNode(node).setTargetPath(path).setSampler(sampler);
    animation.addSampler(sampler).addChannel(channel);
  };
  const weights = Float32Array.from(frames.flatMap((frame) => names.map((name) => frame[name] ?? 0)));
  const output = addAccessor(document, weights, Accessor.Type.SCALAR);
  for (const node of top.listChildren()) {
    if (node.getMesh()?.getWeights().length) add(node, 'weights', output);
  }
  if (rotations) {
    add(top, 'rotation', addAccessor(document, nearestQuaternions(rotations), Accessor.Type.VEC4));
  }
}

/** The same rotations `[N, 4]`, each on the side of the last one: q and -q are one rotation, but players go the way between. */
function nearestQuaternions(rotations: ArrayLike<number>): Float32Array {
  const out = Float32Array.from(rotations);
  for (let i = 4; i < out.length; i += 4) {
    const dot = [0, 1, 2, 3].reduce((sum, k) => sum + out[i + k] * out[i - 4 + k], 0);
    if (dot < 0) for (let k = 0; k < 4; k++) out[i + k] = -out[i + k];
  }
  return out;
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
  if (mesh.normalMap)
    primitive.setAttribute('TANGENT', addAccessor(document, computeTangents(mesh), Accessor.Type.VEC4));
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
