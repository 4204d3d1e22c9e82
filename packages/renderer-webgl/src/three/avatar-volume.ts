import { FaceError } from '@implicit-faces/runtime';
import {
  type AmbientLight,
  BoxGeometry,
  type Camera,
  type DirectionalLight,
  type HemisphereLight,
  type LightProbe,
  Mesh,
  MeshBasicMaterial,
  NeutralToneMapping,
  type PointLight,
  type Scene,
  Vector3,
  type WebGLRenderer,
} from 'three';
import type { PosedBake, StaticBake } from '../bake/baker.js';
import { type BakedRenderer, createBakedRenderer } from '../baked-renderer.js';
import { projectLights, type SceneLight } from '../environment.js';
import type { RendererErrorCode } from '../errors.js';
import type { NormalMapOptions } from '../normal-map.js';
import { MAX_LIGHTS, type PunctualLight } from '../surface-light.js';
import type { Gloss, PartImage } from '../types.js';

export interface AvatarVolumeOptions extends NormalMapOptions {
  /** What `createBaker` baked once. */
  fixed: StaticBake;
  gloss?: Readonly<Record<string, Gloss>>;
  /** The skin's texture. */
  albedo: PartImage;
  /** Of the parts after the skin, by name. */
  partAlbedos: Readonly<Record<string, PartImage>>;
}

/**
 * An avatar drawn by sphere tracing in the midst of a three.js scene: its depth is real, so that it hides and is hidden, and the scene's ambient, hemisphere,
 * probe, directional and point lights shade it. For WebGLRenderer; for picking and shadows add an `AvatarMesh` of the same avatar whose materials write no colour and no depth.
 *
 * @example
 * const face = new AvatarVolume({ fixed: baker.fixed, albedo: avatar.albedo, partAlbedos });
 * face.setBake(await baker.bake(avatar.expressionCode));
 * scene.add(face);
 */
export class AvatarVolume extends Mesh<BoxGeometry, MeshBasicMaterial> {
  readonly isAvatarVolume = true;
  private readonly options: AvatarVolumeOptions;
  private baked?: BakedRenderer;
  private bake?: PosedBake;
  private owner?: WebGLRenderer;
  /** The lights that `baked` was told of. */
  private lightsKey?: string;

  constructor(options: AvatarVolumeOptions) {
    // three.js draws nothing of its own: the box is there for its culling and its order.
    super(new BoxGeometry(), new MeshBasicMaterial({ colorWrite: false, depthWrite: false, depthTest: false }));
    this.options = options;
    this.onAfterRender = (renderer, scene, camera) => this.draw(renderer as WebGLRenderer, scene as Scene, camera);
  }

  /** Another face or expression. */
  setBake(bake: PosedBake): void {
    this.bake = bake;
    this.baked?.setBake(bake);
    const { min, max } = bake.bounds;
    const size = [0, 1, 2].map((k) => max[k] - min[k]);
    this.geometry.dispose();
    this.geometry = new BoxGeometry(size[0], size[1], size[2]);
    this.geometry.translate((min[0] + max[0]) / 2, (min[1] + max[1]) / 2, (min[2] + max[2]) / 2);
  }

  /** Shows another texture. @param region - `[x, y, width, height]` of what changed. */
  setAlbedo(albedo: PartImage, region?: readonly [number, number, number, number]): void {
    this.options.albedo = albedo;
    this.baked?.setAlbedo(albedo, region);
  }

  /** The box is no surface to meet. */
  override raycast(): void {}

  /** Frees everything on the graphics card. */
  override dispose(): void {
    this.baked?.dispose();
    this.baked = undefined;
    this.geometry.dispose();
    this.material.dispose();
    this.removeFromParent();
  }

  private draw(renderer: WebGLRenderer, scene: Scene, camera: Camera): void {
    if (!this.bake) return;
    const baked = this.rendererFor(renderer);
    const lights = sceneLights(scene);
    const key = JSON.stringify(lights);
    if (key !== this.lightsKey) {
      // Beyond what the renderer takes: in the harmonics, without an edge to their highlights and from afar.
      baked.setLighting(projectLights([...lights.harmonics, ...lights.lights.slice(MAX_LIGHTS).filter(isFar)]));
      baked.setLights(lights.lights.slice(0, MAX_LIGHTS));
    }
    this.lightsKey = key;
    // The box's material has closed it, and three.js remembers that.
    const gl = renderer.getContext();
    const [red, green, blue, alpha] = gl.getParameter(gl.COLOR_WRITEMASK);
    gl.colorMask(true, true, true, true);
    baked.render({
      clipFromCamera: camera.projectionMatrix.elements,
      cameraFromWorld: camera.matrixWorldInverse.elements,
      worldFromAvatar: this.matrixWorld.elements,
      // What three.js draws into a target is mapped and encoded by a later pass.
      ...(renderer.getRenderTarget()
        ? { outputColourSpace: 'srgb-linear' }
        : renderer.toneMapping === NeutralToneMapping && {
            toneMapping: 'neutral',
            exposure: renderer.toneMappingExposure,
          }),
    });
    gl.colorMask(red, green, blue, alpha);
  }

  private rendererFor(renderer: WebGLRenderer): BakedRenderer {
    if (this.baked && this.owner === renderer) return this.baked;
    if (!('isWebGLRenderer' in renderer)) {
      throw new FaceError<RendererErrorCode>(
        'NO_WEBGL2',
        "AvatarVolume: needs three.js' WebGLRenderer. Use AvatarMesh with WebGPURenderer.",
      );
    }
    this.baked?.dispose();
    this.owner = renderer;
    const { fixed, gloss, albedo, partAlbedos, normalMap, normalScale } = this.options;
    const gl = renderer.getContext() as WebGL2RenderingContext;
    const baked = createBakedRenderer({ gl, fixed, gloss, normalMap, normalScale });
    baked.setAlbedo(albedo);
    baked.setPartAlbedos(partAlbedos);
    baked.setBake(this.bake!);
    this.baked = baked;
    this.lightsKey = undefined;
    return baked;
  }
}

const place = /* @__PURE__ */ new Vector3();
const target = /* @__PURE__ */ new Vector3();

const isFar = (light: PunctualLight) => light.kind === 'directional';

/** A scene's lights as this package knows them. three.js' intensities are irradiance; a matte surface sends back its part divided by pi, times pi by convention. */
function sceneLights(scene: Scene): { harmonics: SceneLight[]; lights: PunctualLight[] } {
  const harmonics: SceneLight[] = [];
  const lights: PunctualLight[] = [];
  scene.traverseVisible((object) => {
    const colour = (light: { color: { r: number; g: number; b: number }; intensity: number }) =>
      [light.color.r, light.color.g, light.color.b].map((c) => (c * light.intensity) / Math.PI) as unknown as [
        number,
        number,
        number,
      ];
    if ('isAmbientLight' in object) harmonics.push({ kind: 'ambient', colour: colour(object as AmbientLight) });
    else if ('isHemisphereLight' in object) {
      const light = object as HemisphereLight;
      harmonics.push({
        kind: 'hemisphere',
        colour: colour(light),
        ground: colour({ color: light.groundColor, intensity: light.intensity }),
      });
    } else if ('isDirectionalLight' in object) {
      const light = object as DirectionalLight;
      light.getWorldPosition(place).sub(light.target.getWorldPosition(target));
      lights.push({ kind: 'directional', colour: colour(light), toLight: place.toArray() });
    } else if ('isPointLight' in object) {
      const light = object as PointLight;
      // Candela, which is irradiance from a metre away; its cut-off and other powers of the distance are three.js' own.
      lights.push({ kind: 'point', colour: colour(light), position: light.getWorldPosition(place).toArray() });
    } else if ('isLightProbe' in object) {
      const { sh, intensity } = object as LightProbe;
      const c = sh.coefficients[0];
      harmonics.push({
        kind: 'ambient',
        colour: [c.x, c.y, c.z].map((x) => x * intensity * 0.282095) as unknown as [number, number, number],
      });
    }
  });
  return { harmonics, lights };
}
