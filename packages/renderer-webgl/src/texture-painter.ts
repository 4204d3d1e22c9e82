import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from './errors.js';
import type { PartImage } from './types.js';

/** What a stroke leaves. */
export interface Brush {
  /** 8-bit sRGB. An eraser has none: it takes away what the active layer holds. */
  colour?: readonly [number, number, number];
  /** On the chart: 1 is the texture's whole width. */
  radius: number;
  /** 1 has a sharp edge, 0 falls off from the middle. */
  hardness?: number;
  /** 0 to 1, of the whole stroke however often it crosses itself. */
  opacity?: number;
}

/** A place on the chart, v down. */
export type Uv = readonly [u: number, v: number];

/** `[x, y, width, height]`, texels. */
export type Region = readonly [number, number, number, number];

export interface PaintLayer {
  readonly id: number;
  name: string;
  visible: boolean;
  /** 0 to 1 */
  opacity: number;
}

export interface TexturePainterOptions {
  /** What is painted on. It is copied. */
  image: PartImage;
  /** Paints the mirrored place (1 - u, v) as well. */
  symmetric?: boolean;
  /** Called with what changed of `painter.image`, to show it: `renderer.setAlbedo(painter.image, region)`. */
  onChange?: (region: Region) => void;
  /** How many steps can be undone. */
  history?: number;
}

export const TEXTURE_PAINTER_DEFAULTS = { symmetric: false, history: 50 };

/** Paints on an avatar's texture in layers, with undo. */
export interface TexturePainter {
  /** The texture with all visible layers, 8-bit sRGB: put it into the avatar to keep it. The same object always. */
  readonly image: PartImage;
  symmetric: boolean;
  /** From the lowest. */
  readonly layers: readonly PaintLayer[];
  /** The one that strokes go to. */
  activeLayer: number;
  /** Adds a layer on top and makes it active. @returns its id. */
  addLayer(name: string): number;
  /** @throws FaceError `RANGE` for an unknown layer. */
  removeLayer(id: number): void;
  /** Changes a layer's name, visibility or opacity. @throws FaceError `RANGE` for an unknown layer or an opacity out of 0 to 1. */
  setLayer(id: number, change: Partial<Omit<PaintLayer, 'id'>>): void;
  /** Begins a stroke. @throws FaceError `RANGE` for a brush that makes no sense. */
  begin(uv: Uv, brush: Brush): void;
  /** Draws on to a place; a jump across the chart (another fold of the skin) begins anew there. */
  moveTo(uv: Uv): void;
  /** Ends the stroke, which is then one step of undo. */
  end(): void;
  /** Puts a picture at a place. @param size - its width on the chart. @param angleRad - clockwise on the texture. */
  stamp(picture: PartImage, uv: Uv, size: number, angleRad?: number): void;
  /** @returns whether there was a step. */
  undo(): boolean;
  redo(): boolean;
}

/** A step that joins places farther apart than this on the chart is no line on the face. */
const JUMP = 0.08;

interface Step {
  layer: Layer;
  region: Region;
  before: Uint8ClampedArray;
  after: Uint8ClampedArray;
}

interface Layer extends PaintLayer {
  /** `[H, W, 4]`, sRGB, not premultiplied. */
  data: Uint8ClampedArray;
}

/**
 * Creates a painter for a texture.
 *
 * @throws FaceError `SHAPE` when the image is not `[H, W, 4]`.
 * @example
 * const painter = createTexturePainter({ image: avatar.albedo, onChange: (region) => renderer.setAlbedo(painter.image, region) });
 * painter.begin(hit.uv, { colour: [200, 30, 40], radius: 0.01 });
 * painter.moveTo(next.uv);
 * painter.end();
 */
export function createTexturePainter(options: TexturePainterOptions): TexturePainter {
  const { image: given, onChange, history = TEXTURE_PAINTER_DEFAULTS.history } = options;
  const { width, height } = given;
  if (given.data.length !== 4 * width * height) {
    throw new FaceError<RendererErrorCode>(
      'SHAPE',
      `createTexturePainter: image should be [${height}, ${width}, 4] bytes; received ${given.data.length}.`,
    );
  }
  const base = Uint8ClampedArray.from(given.data);
  const image = { data: base.slice(), width, height };
  const layers: Layer[] = [];
  let nextId = 1;
  let active = 0;
  let done: Step[] = [];
  let undone: Step[] = [];
  let symmetric = options.symmetric ?? TEXTURE_PAINTER_DEFAULTS.symmetric;
  let stroke:
    | {
        brush: Required<Omit<Brush, 'colour'>> & Pick<Brush, 'colour'>;
        last: Uv;
        coverage: Float32Array;
        before: Uint8ClampedArray;
        region?: Region;
      }
    | undefined;

  const range = (who: string, what: string) => new FaceError<RendererErrorCode>('RANGE', `${who}: ${what}`);

  function find(who: string, id: number): Layer {
    const layer = layers.find((l) => l.id === id);
    if (!layer) throw range(who, `there is no layer ${id}. Layers: ${layers.map((l) => l.id).join(', ')}.`);
    return layer;
  }

  function addLayer(name: string): number {
    const layer = { id: nextId++, name, visible: true, opacity: 1, data: new Uint8ClampedArray(4 * width * height) };
    layers.push(layer);
    active = layer.id;
    return layer.id;
  }
  addLayer('paint');

  /** Puts base and layers together again where something changed. */
  function compose([x, y, w, h]: Region): void {
    for (let j = y; j < y + h; j++) {
      for (let i = x; i < x + w; i++) {
        const at = 4 * (j * width + i);
        let [r, g, b] = [base[at], base[at + 1], base[at + 2]];
        for (const layer of layers) {
          const alpha = layer.visible ? (layer.opacity * layer.data[at + 3]) / 255 : 0;
          if (alpha === 0) continue;
          r += alpha * (layer.data[at] - r);
          g += alpha * (layer.data[at + 1] - g);
          b += alpha * (layer.data[at + 2] - b);
        }
        image.data[at] = r;
        image.data[at + 1] = g;
        image.data[at + 2] = b;
      }
    }
    onChange?.([x, y, w, h]);
  }
  const all: Region = [0, 0, width, height];

  function cut(data: Uint8ClampedArray, [x, y, w, h]: Region): Uint8ClampedArray {
    const out = new Uint8ClampedArray(4 * w * h);
    for (let j = 0; j < h; j++) {
      const from = 4 * ((y + j) * width + x);
      out.set(data.subarray(from, from + 4 * w), 4 * j * w);
    }
    return out;
  }

  function paste(data: Uint8ClampedArray, piece: Uint8ClampedArray, [x, y, w, h]: Region): void {
    for (let j = 0; j < h; j++) data.set(piece.subarray(4 * j * w, 4 * (j + 1) * w), 4 * ((y + j) * width + x));
  }

  function remember(step: Step): void {
    done.push(step);
    if (done.length > history) done.shift();
    undone = [];
  }

  /** Texels that a box on the chart touches; none when it lies outside. */
  function regionAround(u0: number, v0: number, u1: number, v1: number): Region {
    const x0 = Math.max(Math.floor(u0 * width), 0);
    const y0 = Math.max(Math.floor(v0 * height), 0);
    const x1 = Math.min(Math.ceil(u1 * width), width);
    const y1 = Math.min(Math.ceil(v1 * height), height);
    return [x0, y0, Math.max(x1 - x0, 0), Math.max(y1 - y0, 0)];
  }

  function segment(a: Uv, b: Uv): void {
    const { brush, coverage, before } = stroke!;
    const layer = find('moveTo', active);
    const r = brush.radius;
    const region = regionAround(
      Math.min(a[0], b[0]) - r,
      Math.min(a[1], b[1]) - r,
      Math.max(a[0], b[0]) + r,
      Math.max(a[1], b[1]) + r,
    );
    const [x, y, w, h] = region;
    if (w === 0 || h === 0) return;
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const length2 = dx * dx + dy * dy;
    for (let j = y; j < y + h; j++) {
      for (let i = x; i < x + w; i++) {
        const [pu, pv] = [(i + 0.5) / width - a[0], (j + 0.5) / height - a[1]];
        const t = length2 > 0 ? Math.min(Math.max((pu * dx + pv * dy) / length2, 0), 1) : 0;
        const distance = Math.hypot(pu - t * dx, pv - t * dy) / r;
        if (distance >= 1) continue;
        const edge = Math.max(1 - brush.hardness, 1e-6);
        const share = brush.opacity * Math.min((1 - distance) / edge, 1);
        const texel = j * width + i;
        // The most that the stroke covered here, so that crossing itself does not darken it.
        if (share <= coverage[texel]) continue;
        coverage[texel] = share;
        blend(layer.data, before, 4 * texel, brush.colour, share);
      }
    }
    stroke!.region = join(stroke!.region, region);
    compose(region);
  }

  /** Paints a share of a colour over what was before; without a colour takes that share away. */
  function blend(
    data: Uint8ClampedArray,
    before: Uint8ClampedArray,
    at: number,
    colour: readonly number[] | undefined,
    share: number,
  ): void {
    const old = before[at + 3] / 255;
    if (!colour) {
      data[at + 3] = 255 * old * (1 - share);
      return;
    }
    const alpha = share + old * (1 - share);
    for (let c = 0; c < 3; c++) data[at + c] = (colour[c] * share + before[at + c] * old * (1 - share)) / alpha;
    data[at + 3] = 255 * alpha;
  }

  function draw(a: Uv, b: Uv): void {
    segment(a, b);
    if (symmetric) segment([1 - a[0], a[1]], [1 - b[0], b[1]]);
  }

  function restore(step: Step, piece: Uint8ClampedArray): void {
    paste(step.layer.data, piece, step.region);
    compose(step.region);
  }

  return {
    image,
    get symmetric() {
      return symmetric;
    },
    set symmetric(value) {
      symmetric = value;
    },
    get layers() {
      return layers;
    },
    get activeLayer() {
      return active;
    },
    set activeLayer(id) {
      active = find('activeLayer', id).id;
    },
    addLayer,
    removeLayer(id) {
      const layer = find('removeLayer', id);
      if (layers.length === 1) throw range('removeLayer', 'a painter needs one layer at least. Hide it instead.');
      layers.splice(layers.indexOf(layer), 1);
      if (active === id) active = layers[layers.length - 1].id;
      // Steps of a layer that is gone cannot be taken back.
      done = done.filter((step) => step.layer !== layer);
      undone = undone.filter((step) => step.layer !== layer);
      compose(all);
    },
    setLayer(id, change) {
      const layer = find('setLayer', id);
      const opacity = change.opacity ?? layer.opacity;
      if (!(opacity >= 0 && opacity <= 1)) throw range('setLayer', `opacity should be 0 to 1; received ${opacity}.`);
      Object.assign(layer, change);
      compose(all);
    },
    begin(uv, brush) {
      const { radius, hardness = 0.7, opacity = 1 } = brush;
      if (!(radius > 0 && radius <= 1))
        throw range('begin', `radius should be above 0 and at most 1; received ${radius}.`);
      if (!(hardness >= 0 && hardness <= 1 && opacity >= 0 && opacity <= 1)) {
        throw range('begin', `hardness and opacity should be 0 to 1; received ${hardness} and ${opacity}.`);
      }
      this.end();
      stroke = {
        brush: { colour: brush.colour, radius, hardness, opacity },
        last: uv,
        coverage: new Float32Array(width * height),
        before: find('begin', active).data.slice(),
      };
      draw(uv, uv);
    },
    moveTo(uv) {
      if (!stroke) return;
      const { last } = stroke;
      draw(Math.hypot(uv[0] - last[0], uv[1] - last[1]) > JUMP ? uv : last, uv);
      stroke.last = uv;
    },
    end() {
      if (stroke?.region) {
        const layer = find('end', active);
        const { region, before } = stroke;
        remember({ layer, region, before: cut(before, region), after: cut(layer.data, region) });
      }
      stroke = undefined;
    },
    stamp(picture, uv, size, angleRad = 0) {
      if (!(size > 0)) throw range('stamp', `size should be above 0; received ${size}.`);
      this.end();
      const layer = find('stamp', active);
      const before = layer.data.slice();
      const tall = (size * picture.height) / picture.width;
      const reach = Math.hypot(size, tall) / 2;
      const [c, s] = [Math.cos(angleRad), Math.sin(angleRad)];
      let touched: Region | undefined;
      for (const mirrored of symmetric ? [false, true] : [false]) {
        const u = mirrored ? 1 - uv[0] : uv[0];
        const region = regionAround(u - reach, uv[1] - reach, u + reach, uv[1] + reach);
        const [x, y, w, h] = region;
        for (let j = y; j < y + h; j++) {
          for (let i = x; i < x + w; i++) {
            const du = ((i + 0.5) / width - u) * (mirrored ? -1 : 1);
            const dv = (j + 0.5) / height - uv[1];
            const px = Math.floor(((c * du + s * dv) / size + 0.5) * picture.width);
            const py = Math.floor(((c * dv - s * du) / tall + 0.5) * picture.height);
            if (px < 0 || py < 0 || px >= picture.width || py >= picture.height) continue;
            const from = 4 * (py * picture.width + px);
            const share = picture.data[from + 3] / 255;
            if (share > 0)
              blend(layer.data, layer.data, 4 * (j * width + i), [...picture.data.subarray(from, from + 3)], share);
          }
        }
        if (w > 0 && h > 0) touched = join(touched, region);
      }
      if (!touched) return;
      remember({ layer, region: touched, before: cut(before, touched), after: cut(layer.data, touched) });
      compose(touched);
    },
    undo() {
      this.end();
      const step = done.pop();
      if (!step) return false;
      undone.push(step);
      restore(step, step.before);
      return true;
    },
    redo() {
      const step = undone.pop();
      if (!step) return false;
      done.push(step);
      restore(step, step.after);
      return true;
    },
  };
}

/** What holds both regions. */
function join(a: Region | undefined, b: Region): Region {
  if (!a) return b;
  const [x, y] = [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
  return [x, y, Math.max(a[0] + a[2], b[0] + b[2]) - x, Math.max(a[1] + a[3], b[1] + b[3]) - y];
}
