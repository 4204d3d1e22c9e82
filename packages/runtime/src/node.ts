export { directoryFiles } from './directory-files.js';
