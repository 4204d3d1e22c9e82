export { default } from '../vite.preset.js';
