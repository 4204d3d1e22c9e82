import type { Files } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';

/** The networks that come with this package, for `loadLandmarker`. */
export function modelFiles(): Files {
  return directoryFiles(new URL('../models/', import.meta.url));
}
