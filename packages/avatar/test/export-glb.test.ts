import { NodeIO } from '@gltf-transform/core';
import { reportMesh } from '@implicit-faces/test-utils';
import validator from 'gltf-validator';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Avatar,
  avatarMeshes,
  computeArkitRig,
  computeTangents,
  type ExpressionTrack,
  exportGlb,
  type FaceModel,
} from '../src/index.js';
import { encodePng } from '../src/node.js';
import { checkerImage } from './meshes.js';
import { cutNeck, loadTinyModel, tinyAvatar } from './tiny-avatar.js';

let model: FaceModel;
let avatar: Avatar;
let glb: Uint8Array;
beforeAll(async () => {
  model = await loadTinyModel();
  // Beyond what weights of 0 to 1 can say, so that something is left for the base.
  avatar = tinyAvatar(model, [0.4, 1.3, -0.2]);
  glb = await exportGlb(model, avatar, { encodePng });
});
afterAll(() => model.dispose());

describe('exportGlb', () => {
  it('has no errors and no warnings by the Khronos validator', async () => {
    const { issues, info } = await validator.validateBytes(glb);
    expect(issues.messages.filter(({ severity }) => severity <= 1)).toEqual([]);
    expect(info).toMatchObject({ hasMorphTargets: true, hasTextures: true, drawCallCount: 6 });
  });

  it('has a node, a material and a texture per part', async () => {
    const document = await new NodeIO().readBinary(glb);
    const root = document.getRoot();
    const names = ['head', 'eyeLeft', 'eyeRight', 'teethUpper', 'teethLower', 'tongue'];
    expect(
      root
        .getDefaultScene()!
        .listChildren()[0]
        .listChildren()
        .map((node) => node.getName()),
    ).toEqual(names);
    expect(root.getAsset()).toMatchObject({ version: '2.0', extras: { modelId: 'tiny-face-model', units: 'metre' } });
    for (const mesh of root.listMeshes()) {
      const material = mesh.listPrimitives()[0].getMaterial()!;
      expect([material.getMetallicFactor(), material.getRoughnessFactor() > 0]).toEqual([0, true]);
      expect(material.getBaseColorTexture()).not.toBeNull();
    }
    const head = root.listMeshes()[0].listPrimitives()[0].getMaterial()!.getBaseColorTexture()!;
    const texture = await sharp(head.getImage()!).ensureAlpha().raw().toBuffer();
    expect(new Uint8ClampedArray(texture)).toEqual(avatar.albedo.data);
  });

  it("names Apple's 52 blendshapes, and at its weights is the fitted mesh", async () => {
    const document = await new NodeIO().readBinary(glb);
    const fitted = await avatarMeshes(model, avatar);
    for (const [i, mesh] of document.getRoot().listMeshes().entries()) {
      const primitive = mesh.listPrimitives()[0];
      expect(mesh.getExtras().targetNames).toEqual(model.manifest.arkitNames);
      const weights = mesh.getWeights();
      expect(weights.length).toBe(52);
      const sum = Float64Array.from(primitive.getAttribute('POSITION')!.getArray()!);
      primitive.listTargets().forEach((target, k) => {
        target
          .getAttribute('POSITION')!
          .getArray()!
          .forEach((delta: number, j: number) => {
            sum[j] += weights[k] * delta;
          });
      });
      expect(sum).toBeCloseToTensor(fitted[i].positions, 1e-7);
      expect(primitive.getIndices()!.getArray()).toEqual(Uint16Array.from(fitted[i].indices));
    }
  });

  it('has the normal map and tangents for it, on the head alone, when there is one', async () => {
    const normalMap = checkerImage(16, 4, [
      [128, 128, 255],
      [168, 128, 248],
    ]);
    const rough = await exportGlb(model, { ...avatar, normalMap }, { encodePng });
    const { issues } = await validator.validateBytes(rough);
    expect(issues.messages.filter(({ severity }) => severity <= 1)).toEqual([]);
    const meshes = (await new NodeIO().readBinary(rough)).getRoot().listMeshes();
    const textures = meshes.map((mesh) => mesh.listPrimitives()[0].getMaterial()!.getNormalTexture());
    expect(textures.map(Boolean)).toEqual([true, false, false, false, false, false]);
    const texels = await sharp(textures[0]!.getImage()!).ensureAlpha().raw().toBuffer();
    expect(new Uint8ClampedArray(texels)).toEqual(normalMap.data);
    const [skin] = await avatarMeshes(model, avatar);
    const tangents = meshes[0].listPrimitives()[0].getAttribute('TANGENT')!.getArray()!;
    expect(Float32Array.from(tangents)).toBeCloseToTensor(computeTangents(skin), 1e-3);
    expect(meshes[1].listPrimitives()[0].getAttribute('TANGENT')).toBeNull();
  });

  it('closes the neck where told to, wound outward, at rest and under each blendshape', async () => {
    const cut = await cutNeck(model);
    const headOf = async (bytes: Uint8Array) =>
      (await new NodeIO().readBinary(bytes)).getRoot().listMeshes()[0].listPrimitives()[0];
    const read = (accessor: { getArray(): ArrayLike<number> | null } | null) =>
      Float32Array.from(accessor!.getArray()!);
    const open = await headOf(await exportGlb(cut, avatar, { encodePng }));
    const rim = reportMesh({
      positions: read(open.getAttribute('POSITION')),
      indices: Uint32Array.from(open.getIndices()!.getArray()!),
    }).openEdges;
    expect(rim).toBeGreaterThan(8);

    const bytes = await exportGlb(cut, avatar, { encodePng, closeNeck: true });
    const { issues } = await validator.validateBytes(bytes);
    expect(issues.messages.filter(({ severity }) => severity <= 1)).toEqual([]);
    const closed = await headOf(bytes);
    const base = read(closed.getAttribute('POSITION'));
    const indices = Uint32Array.from(closed.getIndices()!.getArray()!);
    // A wall of two triangles and a floor of one along each edge of the rim.
    expect(indices.length).toBe(open.getIndices()!.getCount() + 9 * rim);
    const moves = closed.listTargets().map((target) => read(target.getAttribute('POSITION')));
    expect(moves.some((move) => move.some((x) => x !== 0))).toBe(true);
    for (const positions of [base, ...moves.map((move) => base.map((x, i) => x + move[i]))]) {
      const report = reportMesh({ positions, indices });
      expect(report.openEdges).toBe(0);
      expect(report.volume).toBeGreaterThan(0);
      // The floor is flat and looks down as a whole; where a rim is no star around its middle, as this one's notch, single triangles of the fan may not.
      const floor = indices.reduce((lowest, v) => Math.min(lowest, positions[3 * v + 1]), Number.POSITIVE_INFINITY);
      const height = (v: number) => positions[3 * v + 1] - floor;
      let floorTriangles = 0;
      let upward = 0;
      for (let t = 0; t < indices.length; t += 3) {
        const [a, b, c] = indices.subarray(t, t + 3);
        if (Math.max(height(a), height(b), height(c)) > 1e-6) continue;
        floorTriangles++;
        const along = (from: number, to: number, axis: number) => positions[3 * to + axis] - positions[3 * from + axis];
        upward += along(a, b, 2) * along(a, c, 0) - along(a, b, 0) * along(a, c, 2);
      }
      expect(floorTriangles).toBe(rim);
      expect(upward).toBeLessThan(0);
    }
  });

  describe('with an animation', () => {
    const half = Math.SQRT1_2;
    const animation: ExpressionTrack = {
      times: [0, 0.5, 1],
      frames: [{ jawOpen: 0.5 }, { jawOpen: 1, mouthSmileLeft: 0.25 }, {}],
      // The last one is the first's rotation by its other name.
      rotations: [0, 0, 0, 1, 0, half, 0, half, 0, 0, 0, -1],
    };

    it('moves the weights of every mesh, and the head', async () => {
      const moving = await exportGlb(model, avatar, { encodePng, animation });
      const { issues } = await validator.validateBytes(moving);
      expect(issues.messages.filter(({ severity }) => severity <= 1)).toEqual([]);
      const root = (await new NodeIO().readBinary(moving)).getRoot();
      const [clip, ...others] = root.listAnimations();
      expect(others).toEqual([]);
      const channels = clip.listChannels().map((channel) => ({
        node: channel.getTargetNode()!.getName(),
        path: channel.getTargetPath(),
        values: [...channel.getSampler()!.getOutput()!.getArray()!],
        times: [...channel.getSampler()!.getInput()!.getArray()!],
      }));
      const moved = root.listNodes().filter((node) => node.getMesh()?.getWeights().length);
      expect(channels.map(({ node, path }) => `${node}.${path}`)).toEqual([
        ...moved.map((node) => `${node.getName()}.weights`),
        'avatar.rotation',
      ]);
      const { arkitNames } = model.manifest;
      const expected = animation.frames.flatMap((frame: Record<string, number>) =>
        arkitNames.map((name) => frame[name] ?? 0),
      );
      for (const { path, values, times } of channels) {
        expect(times).toEqual(animation.times);
        if (path === 'weights') expect(values).toEqual(expected);
        else expect(values).toBeCloseToTensor([0, 0, 0, 1, 0, half, 0, half, 0, 0, 0, 1], 1e-6);
      }
    });

    it.each([
      { ...animation, times: [0, 1] },
      { ...animation, times: [0, 1, 1] },
      { ...animation, times: [-1, 0, 1] },
      { ...animation, rotations: [0, 0, 0, 1] },
      { times: [], frames: [] },
    ])('refuses %o', async (broken) => {
      await expect(exportGlb(model, avatar, { encodePng, animation: broken })).rejects.toMatchObject({
        code: 'ANIMATION',
      });
    });
  });

  it('stops when told to', async () => {
    const aborted = exportGlb(model, avatar, { encodePng, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('computeArkitRig', () => {
  it('finds the weights of an expression that the rig can say', async () => {
    const { names, weights } = await computeArkitRig(model, tinyAvatar(model, [0.25, 0.5, 0.75]));
    const found = Object.fromEntries(names.map((name, k) => [name, weights[k]]).filter(([, weight]) => weight !== 0));
    expect(found).toEqual({ jawOpen: 0.25, eyeBlinkLeft: 0.5, eyeBlinkRight: 0.75 });
  });

  it('moves every part as the model does, from rest', async () => {
    const { names, meshes } = await computeArkitRig(model, tinyAvatar(model, [0, 0, 0]));
    const rest = await avatarMeshes(model, tinyAvatar(model, [0, 0, 0]));
    const blink = await avatarMeshes(model, tinyAvatar(model, [0, 1, 0]));
    const k = names.indexOf('eyeBlinkLeft');
    meshes.forEach((mesh, i) => {
      expect(mesh.positions).toBeCloseToTensor(rest[i].positions, 1e-7);
      const moved = mesh.positions.map((value, j) => value + mesh.targets[k]!.positions[j]);
      expect(moved).toBeCloseToTensor(blink[i].positions, 1e-7);
      expect(mesh.targets[names.indexOf('cheekPuff')]).toBeUndefined();
    });
  });
});
