import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from './errors.js';

/** What a renderer keeps on the graphics card: gone when the context is lost, uploaded anew when it is restored. */
export interface ContextResources<T> {
  /** Nothing from the moment the context is lost, which is before the page hears of it. */
  present(): T | undefined;

  /** @throws FaceError `DISPOSED` after `dispose`; the message begins with the method's name. */
  checkOpen(who: string): void;

  /** Frees the resources and stops listening. */
  dispose(): void;
}

/**
 * Uploads resources now and after each loss of the context.
 *
 * @param upload - makes them; what it throws now, it throws to the caller.
 * @param free - deletes them.
 * @param onRestored - called once they are there again.
 */
export function keepResources<T>(
  gl: WebGL2RenderingContext,
  upload: () => T,
  free: (resources: T) => void,
  onRestored?: () => void,
): ContextResources<T> {
  const { canvas } = gl;
  let resources: T | undefined = upload();
  let disposed = false;
  // Without preventDefault the browser never gives the context back.
  const onLost = (event: Event) => {
    event.preventDefault();
    resources = undefined;
  };
  const onBack = () => {
    resources = upload();
    onRestored?.();
  };
  canvas.addEventListener('webglcontextlost', onLost);
  canvas.addEventListener('webglcontextrestored', onBack);
  return {
    present: () => (gl.isContextLost() ? undefined : resources),
    checkOpen(who) {
      if (disposed)
        throw new FaceError<RendererErrorCode>('DISPOSED', `${who}: this renderer was disposed of. Create another.`);
    },
    dispose() {
      disposed = true;
      canvas.removeEventListener('webglcontextlost', onLost);
      canvas.removeEventListener('webglcontextrestored', onBack);
      if (resources !== undefined) free(resources);
      resources = undefined;
    },
  };
}
