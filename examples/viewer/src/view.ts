import {
  type AvatarRenderer,
  createAvatarRenderer,
  createOrbitControls,
  FACE_GLOSS,
} from '@implicit-faces/renderer-webgl';

/** A canvas that shows an avatar and lets one move round it. Call `draw` after each change of the renderer. */
export function createView(canvas: HTMLCanvasElement): { renderer: AvatarRenderer; draw: () => void } {
  const gl = canvas.getContext('webgl2');
  const renderer = createAvatarRenderer({ gl, gloss: FACE_GLOSS, onRestored: draw });
  const controls = createOrbitControls(canvas, { target: [0, -0.02, 0.03], distance: 0.85, onChange: draw });

  function draw(): void {
    const { width, height } = canvas;
    gl!.clear(gl!.COLOR_BUFFER_BIT | gl!.DEPTH_BUFFER_BIT);
    renderer.render({
      clipFromCamera: controls.clipFromCamera(width / height),
      cameraFromWorld: controls.cameraFromWorld(),
      viewport: [0, 0, width, height],
    });
  }

  new ResizeObserver(() => {
    canvas.width = Math.max(Math.round(canvas.clientWidth * devicePixelRatio), 1);
    canvas.height = Math.max(Math.round(canvas.clientHeight * devicePixelRatio), 1);
    draw();
  }).observe(canvas);

  return { renderer, draw };
}
