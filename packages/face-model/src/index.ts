export { manifestUrl, modelUrl } from './urls.js';
