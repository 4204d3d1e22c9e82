export { encodePng } from './encode-png.js';
