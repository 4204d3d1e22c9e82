import { parseSafetensors, type Tensor, writeSafetensors } from '@implicit-faces/runtime';
import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { type Avatar, loadAvatar, saveAvatar, viewCamera } from '../src/index.js';

const random = createRandom(1);
const albedo = new Uint8ClampedArray(4 * 6 * 4).map((_, i) => (i % 4 === 3 ? 255 : random.integer(256)));
const avatar: Avatar = {
  modelId: 'model-a',
  geometryCode: random.uniforms(4),
  expressionCode: random.uniforms(3),
  textureCode: random.uniforms(2),
  tuning: random.uniforms(36),
  albedo: { data: albedo, width: 6, height: 4 },
  partAlbedos: { eyeLeft: { data: albedo.slice(0, 4 * 6), width: 3, height: 2 } },
  normalMap: { data: albedo.slice(0, 4 * 8), width: 4, height: 2 },
  shade: { data: random.uniforms(12, 0.3, 1.5), size: 2 },
  camera: { ...viewCamera(12.3), cameraFromWorld: Float64Array.from(viewCamera(12.3).cameraFromWorld) },
  lighting: random.uniforms(27),
};
const model = { id: 'model-a', codes: { geometry: 4, expression: 3, texture: 2 } };
const bytes = saveAvatar(avatar);

/** The file with one tensor or the metadata exchanged. */
function tampered(
  tensors: Record<string, Tensor | undefined>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const content = parseSafetensors(bytes);
  const all = Object.entries({ ...content.tensors, ...tensors }).filter(([, tensor]) => tensor);
  return writeSafetensors(Object.fromEntries(all) as Record<string, Tensor>, { ...content.metadata, ...metadata });
}

describe('avatar file', () => {
  it('gives back what was saved, bit by bit', () => {
    expect(loadAvatar(bytes, model)).toEqual(avatar);
    expect(loadAvatar(bytes)).toEqual(avatar);
  });

  it('does without what an avatar may do without', () => {
    const { normalMap, partAlbedos, shade, tuning, ...bare } = avatar;
    expect(loadAvatar(saveAvatar(bare), model)).toEqual(bare);
  });

  it('refuses another model by name', () => {
    expect(() => loadAvatar(bytes, { ...model, id: 'model-b' })).toThrow(
      expect.objectContaining({ code: 'MODEL_MISMATCH', message: expect.stringMatching(/model-b.*model-a/) }),
    );
  });

  it('refuses every truncation, and bytes too many', () => {
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => loadAvatar(bytes.slice(0, length), model)).toThrow(expect.objectContaining({ code: 'AVATAR_FILE' }));
    }
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(() => loadAvatar(longer, model)).toThrow(expect.objectContaining({ code: 'AVATAR_FILE' }));
  });

  const f32 = (dims: number[], value = 0) => ({
    data: new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value),
    dims,
  });
  const hostile: [what: string, file: Uint8Array<ArrayBuffer>, said: RegExp][] = [
    ['nothing but zeros', new Uint8Array(4096), /JSON/],
    ['another kind of file', tampered({}, { format: 'other' }), /another kind/],
    ['a later version', tampered({}, { version: '2' }), /version 2/],
    ['no model id', tampered({}, { modelId: '' }), /modelId/],
    [
      'a code of another size',
      tampered({ geometryCode: f32([5]) }),
      /geometryCode should be F32 \[4\]; received F32 \[5\]/,
    ],
    ['a code that is missing', tampered({ textureCode: undefined }), /textureCode.*nothing/],
    ['a code that is not finite', tampered({ expressionCode: f32([3], Number.NaN) }), /expressionCode.*finite/],
    ['light of another shape', tampered({ lighting: f32([27]) }), /lighting/],
    ['a camera of floats', tampered({ 'camera.cameraFromWorld': f32([16]) }), /cameraFromWorld should be F64/],
    ['no focal length', tampered({ 'camera.intrinsics': { data: new Float64Array(3), dims: [3] } }), /focal length/],
    ['an albedo with alpha', tampered({ albedo: { data: new Uint8Array(64), dims: [4, 4, 4] } }), /albedo/],
    ['an empty albedo', tampered({ albedo: { data: new Uint8Array(0), dims: [0, 4, 3] } }), /no texels/],
  ];
  for (const [what, file, said] of hostile) {
    it(`refuses ${what}`, () => {
      expect(() => loadAvatar(file, model)).toThrow(
        expect.objectContaining({ code: 'AVATAR_FILE', message: expect.stringMatching(said) }),
      );
    });
  }

  it('refuses to save arrays of the wrong size', () => {
    const short = { ...avatar.albedo, height: 5 };
    expect(() => saveAvatar({ ...avatar, albedo: short })).toThrow(expect.objectContaining({ code: 'SHAPE' }));
    expect(() => saveAvatar({ ...avatar, lighting: new Float32Array(9) })).toThrow(
      expect.objectContaining({ code: 'SHAPE' }),
    );
  });
});
