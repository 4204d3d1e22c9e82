import { fileURLToPath } from 'node:url';

/** NASA portrait, 512x512, the face 94 pixels wide. */
export const ASTRONAUT = fileURLToPath(new URL('../../../../examples/photos/astronaut.png', import.meta.url));
