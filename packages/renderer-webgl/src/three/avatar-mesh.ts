import type { ArkitRig, RiggedMesh } from '@implicit-faces/avatar';
import { FaceError } from '@implicit-faces/runtime';
import {
  BufferAttribute,
  BufferGeometry,
  DataTexture,
  Group,
  LinearFilter,
  LinearMipmapLinearFilter,
  Mesh,
  MeshStandardMaterial,
  NoColorSpace,
  type Raycaster,
  SRGBColorSpace,
  Vector2,
  type Vector3,
} from 'three';
import type { RendererErrorCode } from '../errors.js';
import type { NormalMapOptions } from '../normal-map.js';
import type { PartImage, PartMesh } from '../types.js';

/** How rough each part's surface is for three.js' own lights. */
const ROUGHNESS: Readonly<Record<string, number>> = {
  skin: 0.55,
  eyeLeft: 0.08,
  eyeRight: 0.08,
  teethUpper: 0.25,
  teethLower: 0.25,
  tongue: 0.35,
};

/** Where a ray meets the avatar. */
export interface AvatarHit {
  /** `skin`, `eyeLeft`, ... */
  part: string;
  /** On the part's chart, v down. */
  uv: [number, number];
  /** World space. */
  point: Vector3;
  distance: number;
}

/**
 * An avatar as three.js meshes with 52 morph targets: lit, shadowed and picked like anything else in the scene, in WebGLRenderer and WebGPURenderer.
 *
 * @example
 * const face = new AvatarMesh(await computeArkitRig(model, avatar));
 * scene.add(face);
 * face.setExpression({ jawOpen: 0.5 });
 */
export class AvatarMesh extends Group {
  readonly isAvatarMesh = true;
  private readonly names: readonly string[];
  private readonly parts = new Map<string, Mesh<BufferGeometry, MeshStandardMaterial>>();

  /** @param rig - as `computeArkitRig` of `@implicit-faces/avatar` makes it. @param options - relief of the skin, in place of the rig's own if it has one. */
  constructor(rig: ArkitRig, { normalMap, normalScale = 1 }: NormalMapOptions = {}) {
    super();
    this.names = rig.names;
    for (const part of rig.meshes) {
      const material = new MeshStandardMaterial({ map: createMap(part.image), roughness: ROUGHNESS[part.name] ?? 0.5 });
      const relief = (part.name === 'skin' && normalMap) || (part as PartMesh).normalMap;
      if (relief) {
        material.normalMap = createMap(relief, NoColorSpace);
        // three.js' y is along v, which is down here.
        material.normalScale = new Vector2(normalScale, -normalScale);
      }
      const mesh = new Mesh(createGeometry(part), material);
      mesh.name = part.name;
      mesh.castShadow = true;
      mesh.receiveShadow = true;
      // Bounds are those at rest; an open jaw reaches beyond them.
      mesh.frustumCulled = false;
      this.parts.set(part.name, mesh);
      this.add(mesh);
    }
    this.setExpression(rig.weights);
  }

  /**
   * @param weights - ARKit's 52 in Apple's order, or by name; what is not named is 0.
   * @throws FaceError `SHAPE` for another count or an unknown name.
   */
  setExpression(weights: ArrayLike<number> | Readonly<Record<string, number>>): void {
    const list = toWeights(this.names, weights);
    for (const mesh of this.parts.values()) {
      const targets = mesh.geometry.userData.targets as number[];
      targets.forEach((column, i) => {
        mesh.morphTargetInfluences![i] = list[column];
      });
    }
  }

  /** Shows another texture, or the same image after it was painted on. @throws FaceError `UNKNOWN_PART`. */
  setAlbedo(image: PartImage, part = 'skin'): void {
    const mesh = this.parts.get(part);
    if (!mesh) {
      const known = [...this.parts.keys()].join(', ');
      throw new FaceError<RendererErrorCode>('UNKNOWN_PART', `setAlbedo: there is no part ${part}. Parts: ${known}.`);
    }
    const map = mesh.material.map as DataTexture;
    const shown = map.image.data as Uint8Array;
    const same = shown.buffer === image.data.buffer && shown.byteOffset === image.data.byteOffset;
    if (same && map.image.width === image.width) map.needsUpdate = true;
    else {
      map.dispose();
      mesh.material.map = createMap(image);
    }
  }

  /** The nearest place that a ray meets. */
  pick(raycaster: Raycaster): AvatarHit | undefined {
    const hit = raycaster.intersectObject(this, true).find(({ uv }) => uv);
    return hit && { part: hit.object.name, uv: [hit.uv!.x, hit.uv!.y], point: hit.point, distance: hit.distance };
  }

  /** Frees geometries, materials and textures. */
  override dispose(): void {
    for (const { geometry, material } of this.parts.values()) {
      geometry.dispose();
      material.map?.dispose();
      material.normalMap?.dispose();
      material.dispose();
    }
    this.removeFromParent();
  }
}

/** 52 weights from a list or from names. */
export function toWeights(
  names: readonly string[],
  weights: ArrayLike<number> | Readonly<Record<string, number>>,
): Float32Array {
  if (Array.isArray(weights) || ArrayBuffer.isView(weights)) {
    const list = Float32Array.from(weights as ArrayLike<number>);
    if (list.length === names.length) return list;
    throw new FaceError<RendererErrorCode>(
      'SHAPE',
      `setExpression: weights should be ${names.length} numbers; received ${list.length}.`,
    );
  }
  const list = new Float32Array(names.length);
  for (const [name, weight] of Object.entries(weights)) {
    const column = names.indexOf(name);
    if (column < 0)
      throw new FaceError<RendererErrorCode>(
        'SHAPE',
        `setExpression: there is no ${name}. The names are ${names.join(', ')}.`,
      );
    list[column] = weight;
  }
  return list;
}

function createGeometry(part: RiggedMesh): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(part.positions, 3));
  geometry.setAttribute('normal', new BufferAttribute(part.normals, 3));
  geometry.setAttribute('uv', new BufferAttribute(part.uvs, 2));
  geometry.setIndex(new BufferAttribute(part.indices, 1));
  geometry.morphTargetsRelative = true;
  const moving = part.targets.flatMap((target, column) => (target ? [{ target, column }] : []));
  if (moving.length > 0) {
    geometry.morphAttributes.position = moving.map(({ target }) => new BufferAttribute(target.positions, 3));
    geometry.morphAttributes.normal = moving.map(({ target }) => new BufferAttribute(target.normals, 3));
  }
  geometry.userData.targets = moving.map(({ column }) => column);
  return geometry;
}

function bytes({ data }: PartImage): Uint8Array {
  return data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function createMap(image: PartImage, colourSpace: string = SRGBColorSpace): DataTexture {
  // Row 0 is at v = 0 here as well: a DataTexture is not flipped.
  const map = new DataTexture(bytes(image), image.width, image.height);
  map.colorSpace = colourSpace;
  map.generateMipmaps = true;
  map.minFilter = LinearMipmapLinearFilter;
  map.magFilter = LinearFilter;
  map.anisotropy = 8;
  map.needsUpdate = true;
  return map;
}
