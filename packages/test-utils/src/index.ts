export { CHROMIUM_ARGS, findChromium } from './chromium.js';
export { type Numbers, type Tolerance, toBeCloseToTensor } from './to-be-close-to-tensor.js';
