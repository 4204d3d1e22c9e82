import {
  type AmbientLight,
  BoxGeometry,
  type Camera,
  type DirectionalLight,
  type HemisphereLight,
  type Intersection,
  type LightProbe,
  type Material,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  type PointLight,
  Ray,
  type Raycaster,
  type Scene,
  Vector2,
  Vector3,
  type WebGLRenderer,
} from 'three';
import type { WebGPURenderer } from 'three/webgpu';
import { type BakedField, createBakedField } from '../bake/baked-field.js';
import type { PosedBake, StaticBake } from '../bake/baker.js';
import { TRACE_SETTINGS, traceBaked } from '../bake/trace.js';
import { projectLights, type SceneLight } from '../environment.js';
import type { NormalMapOptions } from '../normal-map.js';
import { PART_NAMES } from '../part-maps.js';
import { MAX_LIGHTS, type PunctualLight } from '../surface-light.js';
import type { Gloss, PartImage } from '../types.js';
import type { AvatarHit } from './avatar-mesh.js';
import { createWebGlVolumeDrawer, type VolumeDrawer } from './volume-drawer.js';

export interface AvatarVolumeOptions extends NormalMapOptions {
  /** What `createBaker` baked once. */
  fixed: StaticBake;
  gloss?: Readonly<Record<string, Gloss>>;
  /** The skin's texture. */
  albedo: PartImage;
  /** Of the parts after the skin, by name. */
  partAlbedos: Readonly<Record<string, PartImage>>;
}

/** A ray that is picked with comes from anywhere, not from a proxy just before the surface. */
const PICK_SETTINGS = { ...TRACE_SETTINGS, maxSteps: 200 };

/**
 * An avatar drawn by sphere tracing in the midst of a three.js scene, by WebGLRenderer or WebGPURenderer: its depth is real, so that it hides and is hidden; the scene's
 * ambient, hemisphere, probe, directional and point lights shade it; a Raycaster meets its surface. For shadows add an `AvatarMesh` of the same avatar whose
 * materials write no colour and no depth.
 *
 * @example
 * const face = new AvatarVolume({ fixed: baker.fixed, albedo: avatar.albedo, partAlbedos });
 * face.setBake(await baker.bake(avatar.expressionCode));
 * await face.prepare(renderer); // WebGPURenderer only: the first frame has it then
 * scene.add(face);
 */
export class AvatarVolume extends Mesh<BoxGeometry, Material> {
  readonly isAvatarVolume = true;
  private readonly options: AvatarVolumeOptions;
  /** three.js draws nothing of its own: the box is there for its culling and its order. */
  private readonly blank: MeshBasicMaterial;
  private bake?: PosedBake;
  private owner?: WebGLRenderer | WebGPURenderer;
  private drawer?: VolumeDrawer;
  /** Of the owner's drawer while it is being made. */
  private ready?: Promise<void>;
  private failure?: { cause: unknown };
  /** The lights that the drawer was told of. */
  private lightsKey?: string;
  /** The bake as rays on the CPU read it, once one has been picked with. */
  private field?: BakedField;

  constructor(options: AvatarVolumeOptions) {
    const blank = new MeshBasicMaterial({ colorWrite: false, depthWrite: false, depthTest: false });
    super(new BoxGeometry(), blank);
    this.blank = blank;
    this.options = { ...options };
    this.onBeforeRender = (renderer, scene, camera) => this.draw(renderer, scene as Scene, camera);
  }

  /**
   * Compiles what a WebGPURenderer draws this with, which can not be waited for in a frame: until then frames do without. WebGLRenderer needs no such thing.
   *
   * @throws FaceError (in the promise, or out of the renderer's `render` where nobody waited) `SHADER` when the device refuses a shader, `NO_WEBGL2` when the renderer has neither WebGPU nor WebGL2.
   */
  async prepare(renderer: WebGLRenderer | WebGPURenderer): Promise<void> {
    if ('init' in renderer) await renderer.init();
    this.claim(renderer);
    await this.ready;
  }

  /** Another face or expression. */
  setBake(bake: PosedBake): void {
    this.bake = bake;
    this.field = undefined;
    this.drawer?.setBake(bake);
    const { min, max } = bake.bounds;
    const size = [0, 1, 2].map((k) => max[k] - min[k]);
    this.geometry.dispose();
    this.geometry = new BoxGeometry(size[0], size[1], size[2]);
    this.geometry.translate((min[0] + max[0]) / 2, (min[1] + max[1]) / 2, (min[2] + max[2]) / 2);
  }

  /** Shows another texture. @param region - `[x, y, width, height]` of what changed. */
  setAlbedo(albedo: PartImage, region?: readonly [number, number, number, number]): void {
    this.options.albedo = albedo;
    this.drawer?.setAlbedo(albedo, region);
  }

  /** The nearest place that a ray meets, found by the shader's twin on the CPU. */
  pick(raycaster: Raycaster): AvatarHit | undefined {
    const { bake } = this;
    if (!bake) return undefined;
    avatarFromWorld.copy(this.matrixWorld).invert();
    ray.copy(raycaster.ray).applyMatrix4(avatarFromWorld);
    const [near, far] = crossBounds(ray, bake.bounds);
    if (near > far) return undefined;
    this.field ??= createBakedField(this.options.fixed, bake);
    const hit = traceBaked(this.field, ray.origin.toArray(), ray.direction.toArray(), near, far, near, PICK_SETTINGS);
    if (!hit) return undefined;
    const point = ray.at(hit.t, new Vector3()).applyMatrix4(this.matrixWorld);
    const distance = point.distanceTo(raycaster.ray.origin);
    if (distance < raycaster.near || distance > raycaster.far) return undefined;
    return { part: PART_NAMES[hit.part], uv: hit.uv, point, distance };
  }

  /** For `raycaster.intersectObject`: the place, its UV and which part's it is, as `pick` says. */
  override raycast(raycaster: Raycaster, intersects: Intersection[]): void {
    const hit = this.pick(raycaster);
    if (hit) intersects.push(Object.assign(hit, { uv: new Vector2(...hit.uv), object: this }));
  }

  /** Frees everything on the graphics card. */
  override dispose(): void {
    this.release();
    this.geometry.dispose();
    this.blank.dispose();
    this.removeFromParent();
  }

  private draw(renderer: WebGLRenderer | WebGPURenderer, scene: Scene, camera: Camera): void {
    if (!this.bake) return;
    this.claim(renderer);
    if (this.failure) throw this.failure.cause;
    const { drawer } = this;
    if (!drawer) return;
    const lights = sceneLights(scene);
    const key = JSON.stringify(lights);
    if (key !== this.lightsKey) {
      // Beyond what the renderer takes: in the harmonics, without an edge to their highlights and from afar.
      drawer.setLighting(projectLights([...lights.harmonics, ...lights.lights.slice(MAX_LIGHTS).filter(isFar)]));
      drawer.setLights(lights.lights.slice(0, MAX_LIGHTS));
    }
    this.lightsKey = key;
    drawer.draw(camera, this.matrixWorld.elements);
  }

  /** Makes a drawer for the renderer unless there is one or it is on its way. */
  private claim(renderer: WebGLRenderer | WebGPURenderer): void {
    if (this.owner === renderer) return;
    this.release();
    this.owner = renderer;
    const { fixed, gloss, normalMap, normalScale } = this.options;
    const drawn = { fixed, gloss, normalMap, normalScale };
    if (!('backend' in renderer && 'isWebGPUBackend' in renderer.backend)) {
      this.adopt(createWebGlVolumeDrawer(renderer, drawn));
      return;
    }
    const create = async () => {
      // Who draws with WebGL2 does not load it.
      const { createWebGpuVolumeDrawer } = await import('./webgpu-volume-drawer.js');
      const drawer = await createWebGpuVolumeDrawer(renderer, { ...drawn, onLost: () => this.release() });
      if (this.ready === ready) this.adopt(drawer);
      else drawer.dispose();
    };
    const ready = create();
    this.ready = ready;
    ready.catch((cause) => {
      if (this.ready === ready) this.failure = { cause };
    });
  }

  private adopt(drawer: VolumeDrawer): void {
    drawer.setAlbedo(this.options.albedo);
    drawer.setPartAlbedos(this.options.partAlbedos);
    if (this.bake) drawer.setBake(this.bake);
    this.drawer = drawer;
    this.material = drawer.material ?? this.blank;
  }

  private release(): void {
    this.drawer?.dispose();
    this.material = this.blank;
    this.drawer = this.owner = this.ready = this.failure = this.lightsKey = undefined;
  }
}

const avatarFromWorld = /* @__PURE__ */ new Matrix4();
const ray = /* @__PURE__ */ new Ray();
const place = /* @__PURE__ */ new Vector3();
const target = /* @__PURE__ */ new Vector3();

const isFar = (light: PunctualLight) => light.kind === 'directional';

/** Where a ray enters and leaves the bounds, as multiples of its direction; the first is greater where it does not meet them. */
function crossBounds({ origin, direction }: Ray, { min, max }: PosedBake['bounds']): [number, number] {
  let [near, far] = [0, Number.POSITIVE_INFINITY];
  for (let k = 0; k < 3; k++) {
    const [o, d] = [origin.getComponent(k), direction.getComponent(k)];
    const [a, b] = [(min[k] - o) / d, (max[k] - o) / d];
    near = Math.max(near, Math.min(a, b));
    far = Math.min(far, Math.max(a, b));
  }
  return [near, far];
}

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
