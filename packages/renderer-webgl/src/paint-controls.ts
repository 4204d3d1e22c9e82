import type { Brush, TexturePainter, Uv } from './texture-painter.js';
import type { PartImage } from './types.js';

/** A picture that a press puts where it is. */
export interface Stamp {
  picture: PartImage;
  /** Its width on the chart. */
  size: number;
  angleRad?: number;
}

export interface PaintControlsOptions {
  /** What is painted with, as nothing is before there is an avatar. */
  painter: () => TexturePainter | undefined;
  /** The place on the skin's chart below a pixel, by the viewport's x and y in -1 to 1, y up; `undefined` where nothing is to be painted on. */
  pick: (x: number, y: number) => Uv | undefined;
  /** What a press leaves; `undefined` to leave presses to others. */
  tool: () => Brush | Stamp | undefined;
}

/**
 * Lets a visitor paint on the head: a press on it begins a stroke, which no other listener hears of; beside it, presses are others', for example
 * `createOrbitControls`'. Control or command with Z undoes, with shift as well or with Y redoes.
 *
 * @returns what stops listening.
 * @example
 * createPaintControls(canvas, { painter: () => painter, pick: (x, y) => pickMeshes(meshes, castRay(camera, x, y))?.uv, tool: () => ({ colour: [200, 30, 40], radius: 0.01 }) });
 */
export function createPaintControls(
  element: HTMLElement,
  { painter, pick, tool }: PaintControlsOptions,
): { dispose(): void } {
  const listening = new AbortController();
  let pointer: number | undefined;

  function placeOf(event: MouseEvent): Uv | undefined {
    const { left, top, width, height } = element.getBoundingClientRect();
    return pick((2 * (event.clientX - left)) / width - 1, 1 - (2 * (event.clientY - top)) / height);
  }

  function listen<K extends keyof HTMLElementEventMap>(type: K, listener: (event: HTMLElementEventMap[K]) => void) {
    // Before whatever else listens to the element, whenever that began to.
    element.addEventListener(type, listener, { signal: listening.signal, capture: true });
  }
  listen('pointerdown', (event) => {
    if (pointer !== undefined) return event.stopImmediatePropagation();
    const chosen = tool();
    if (!chosen || event.button !== 0 || event.shiftKey) return;
    const [target, uv] = [painter(), placeOf(event)];
    if (!target || !uv) return;
    event.stopImmediatePropagation();
    if ('picture' in chosen) return target.stamp(chosen.picture, uv, chosen.size, chosen.angleRad);
    pointer = event.pointerId;
    element.setPointerCapture(event.pointerId);
    target.begin(uv, chosen);
  });
  listen('pointermove', (event) => {
    if (event.pointerId !== pointer) return;
    event.stopImmediatePropagation();
    const passed = event.getCoalescedEvents();
    for (const each of passed.length > 0 ? passed : [event]) {
      const uv = placeOf(each);
      if (uv) painter()?.moveTo(uv);
    }
  });
  const end = (event: PointerEvent) => {
    if (event.pointerId !== pointer) return;
    event.stopImmediatePropagation();
    pointer = undefined;
    painter()?.end();
  };
  listen('pointerup', end);
  listen('pointercancel', end);
  listen('dblclick', (event) => {
    if (tool() && placeOf(event)) event.stopImmediatePropagation();
  });
  element.ownerDocument.addEventListener(
    'keydown',
    (event) => {
      const key = event.key.toLowerCase();
      if (!(event.ctrlKey || event.metaKey) || (key !== 'z' && key !== 'y')) return;
      // Where text is typed the keys mean the text.
      if (event.target instanceof Element && event.target.closest('textarea, [type=text], [contenteditable]')) return;
      event.preventDefault();
      if (key === 'y' || event.shiftKey) painter()?.redo();
      else painter()?.undo();
    },
    { signal: listening.signal },
  );
  return { dispose: () => listening.abort() };
}
