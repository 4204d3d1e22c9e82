export { type AvatarHit, AvatarMesh } from './avatar-mesh.js';
export { AvatarVolume, type AvatarVolumeOptions } from './avatar-volume.js';
