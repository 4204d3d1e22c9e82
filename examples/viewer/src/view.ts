import {
  type AvatarRenderer,
  type BakedRenderer,
  castRay,
  createAvatarRenderer,
  createBakedRenderer,
  createOrbitControls,
  FACE_GLOSS,
  type StaticBake,
} from '@implicit-faces/renderer-webgl';

export interface View {
  /** Draws triangles. */
  mesh: AvatarRenderer;
  /** Makes what draws by sphere tracing. */
  createVolume(fixed: StaticBake): BakedRenderer;
  /** Which of them is seen. */
  shown: AvatarRenderer | BakedRenderer;
  /** Call it after each change of what is seen. */
  draw(): void;
  /** The ray below the canvas' x and y, -1 to 1. */
  castRay(x: number, y: number): ReturnType<typeof castRay>;
}

/** A canvas that shows an avatar and lets one move round it. */
export function createView(canvas: HTMLCanvasElement): View {
  const gl = canvas.getContext('webgl2');
  const mesh = createAvatarRenderer({ gl, gloss: FACE_GLOSS, onRestored: draw });
  const view: View = {
    mesh,
    createVolume: (fixed) => createBakedRenderer({ gl, fixed, gloss: FACE_GLOSS, onRestored: draw }),
    shown: mesh,
    draw,
    castRay: (x, y) => castRay(camera(), x, y),
  };
  const controls = createOrbitControls(canvas, { target: [0, -0.02, 0.03], distance: 0.85, onChange: draw });

  function camera() {
    const aspect = canvas.width / canvas.height;
    return { clipFromCamera: controls.clipFromCamera(aspect), cameraFromWorld: controls.cameraFromWorld() };
  }

  function draw(): void {
    gl!.clear(gl!.COLOR_BUFFER_BIT | gl!.DEPTH_BUFFER_BIT);
    view.shown.render({ ...camera(), viewport: [0, 0, canvas.width, canvas.height] });
  }

  new ResizeObserver(() => {
    canvas.width = Math.max(Math.round(canvas.clientWidth * devicePixelRatio), 1);
    canvas.height = Math.max(Math.round(canvas.clientHeight * devicePixelRatio), 1);
    draw();
  }).observe(canvas);

  return view;
}
