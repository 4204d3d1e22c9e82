export { DECODE_IMAGE_DEFAULTS, type DecodedImage, type DecodeImageOptions, decodeImage } from './decode-image.js';
export { modelFiles } from './model-files.js';
