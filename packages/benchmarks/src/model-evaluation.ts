import { loadEncoder } from '@implicit-faces/avatar';
import type { Landmarker } from '@implicit-faces/landmarks';
import { type FileEntry, type Files, type Manifest, type OrtRuntime, readVerified } from '@implicit-faces/runtime';
import { type Codes, loadSdfModel, type SdfModel } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import { loadUvModel } from '@implicit-faces/uv-param';
import { type HeldOutSkin, measureAlbedo, type SkinLookup } from './albedo-metrics.js';
import { measureEncoder } from './encoder-metrics.js';
import type { FaceKit } from './face-kit.js';
import { generatorOpenings, measurePenetration, modelOpenings } from './penetration-metrics.js';
import { countFmasPerPoint, measurePeakFmas, measurePointsPerSecond } from './speed.js';
import { mean, median, quantile } from './statistics.js';
import { measureSurface, type SurfaceFigures } from './surface-metrics.js';
import { loadPortraitGenerator } from './synthetic/portrait.js';
import { createTestSet } from './test-set.js';
import { measureTrace } from './trace-metrics.js';
import { measureTransfer } from './transfer-metrics.js';
import { TriangleSurface } from './triangle-surface.js';
import { loadAtlasCheck, measureUv, type UvFigures } from './uv-metrics.js';

export interface EvaluateModelOptions {
  ort: OrtRuntime;
  files: Files;
  manifest: Manifest;
  kit: FaceKit;
  /** Skins that the colour basis has not seen, and where they lie on the chart. */
  skins: { lookup: SkinLookup; heldOut: readonly HeldOutSkin[] };
  /** What the encoder is measured with, where the model has one: the folder that portraits are made from, and who finds landmarks in them. */
  portraits?: { data: string; landmarks: Landmarker };
  seed?: number;
  threads?: number;
  /** How many of the test set's faces; all when absent. */
  faces?: number;
  /** Between how many people expressions are transferred. */
  people?: number;
  signal?: AbortSignal;
  /** Called after each face with the share that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

/** What share of the time the faces and the transfer take. */
const FACES_SHARE = 0.6;
const TRANSFER_SHARE = 0.2;
const ALBEDO_SHARE = 0.1;

export const EVALUATE_MODEL_DEFAULTS = { seed: 20231, threads: 2 };

/** What the shipped networks reach on faces that training never saw. README.md says how each figure is measured. */
export interface ModelReport {
  model: string;
  version: string;
  faces: number;
  surfaceMeanMm: number;
  surfaceP95Mm: number;
  lipsP95Mm: number;
  lidsP95Mm: number;
  backP95Mm: number;
  backMaxMm: number;
  normalMeanDeg: number;
  eikonalMean: number;
  traceMissShare: number;
  uvMedianMm: number;
  uvP95Mm: number;
  inverseUvMedianMm: number;
  inverseUvP95Mm: number;
  cycleMedianMm: number;
  cycleP95Mm: number;
  transferMeanMm: number;
  transferOneScanMeanMm: number;
  transferUnmovedMeanMm: number;
  penetrationMeanMm: number;
  penetrationGeneratorMeanMm: number;
  /** Of the generator's linear sum, before lids rest on the eyeballs. */
  penetrationLinearMeanMm: number;
  albedoMae: number;
  /** Dark, mid, light. */
  albedoMaeByTone: number[];
  /** Of the encoder alone, on portraits of people that training has not seen; of the mean head there; and in how many the encoder trusts itself. Absent where the model has none. */
  encoderMedianMm?: number;
  encoderMeanHeadMedianMm?: number;
  encoderTrustedShare?: number;
  bytesShipped: number;
  pointsPerSecond: number;
  fmasPerPoint: number;
  peakFmasPerSecond: number;
  fmaPeakShare: number;
  /** The test face with the largest mean surface error, by its index. */
  worstFace: { index: number; surfaceMeanMm: number };
  seconds: number;
}

/** What is gathered face by face. */
type Figure =
  | keyof Omit<SurfaceFigures, 'points'>
  | keyof UvFigures
  | 'back'
  | 'penetration'
  | 'penetrationGenerator'
  | 'penetrationLinear';

/** Measures the networks of a model against the generator of the faces. */
export async function evaluateModel(options: EvaluateModelOptions): Promise<ModelReport> {
  const { ort, files, manifest, kit, skins, signal, onProgress } = options;
  const { seed, threads } = { ...EVALUATE_MODEL_DEFAULTS, ...options };
  const begin = performance.now();
  const codesOfFaces = createTestSet(manifest, kit.expressionNames, seed).slice(0, options.faces);
  const random = createRandom(seed + 1);
  const truth = { skin: new TriangleSurface(kit.neutral, kit.skin), all: new TriangleSurface(kit.neutral, kit.all) };
  const check = await loadAtlasCheck(files, manifest);
  const sdf = await loadSdfModel({ ort, files, manifest, threads, signal });
  const uv = await loadUvModel({ ort, files, manifest, threads, signal });

  const figures = {
    face: [],
    lips: [],
    lids: [],
    normalDegrees: [],
    eikonal: [],
    back: [],
    uv: [],
    inverseUv: [],
    cycle: [],
    penetration: [],
    penetrationGenerator: [],
    penetrationLinear: [],
  } satisfies Record<string, Float32Array[]> as Record<Figure, Float32Array[]>;
  let rays = 0;
  let wrong = 0;
  try {
    const openings = { generator: generatorOpenings(kit), model: await modelOpenings(uv) };
    for (const [index, codes] of codesOfFaces.entries()) {
      signal?.throwIfAborted();
      const positions = kit.pose(codes.geometry, codes.expression);
      truth.skin.move(positions);
      truth.all.move(positions);
      const { points, ...surface } = await measureSurface(sdf, codes, kit, truth.skin, random);
      const trace = await measureTrace(sdf, codes, truth, index, random);
      const charts = await measureUv(uv, codes, check, positions, points);
      const mesh = await uv.surfaceFromUv(uv.topology.skin.uv, codes);
      const found = {
        ...surface,
        ...charts,
        back: trace.back,
        penetration: await measurePenetration(sdf, codes, mesh, openings.model),
        penetrationGenerator: await measurePenetration(sdf, codes, positions, openings.generator),
        penetrationLinear: await measurePenetration(
          sdf,
          codes,
          kit.linearSum(codes.geometry, codes.expression),
          openings.generator,
        ),
      };
      for (const [key, values] of Object.entries(found)) figures[key as Figure].push(values);
      rays += trace.rays;
      wrong += trace.wrong;
      onProgress?.((FACES_SHARE * (index + 1)) / codesOfFaces.length);
    }
    const model = { manifest, uv };
    const transfer = await measureTransfer(model, kit, truth.skin, check, seed + 2, {
      people: options.people,
      signal,
      onProgress: (share) => onProgress?.(FACES_SHARE + TRANSFER_SHARE * share),
    });
    const albedo = await measureAlbedo(model, skins.lookup, skins.heldOut, {
      signal,
      onProgress: (share) => onProgress?.(FACES_SHARE + TRANSFER_SHARE + ALBEDO_SHARE * share),
    });
    const encoder = await loadEncoder({ ort, files, manifest, threads, signal });
    const encoded =
      encoder &&
      options.portraits &&
      (await measureEncoder(
        { ...model, encoder },
        options.portraits.landmarks,
        await loadPortraitGenerator({ data: options.portraits.data, manifest, topology: uv.topology }),
        {
          portraits: options.faces,
          signal,
          onProgress: (share) =>
            onProgress?.(
              FACES_SHARE + TRANSFER_SHARE + ALBEDO_SHARE + (1 - FACES_SHARE - TRANSFER_SHARE - ALBEDO_SHARE) * share,
            ),
        },
      ));
    await encoder?.dispose();
    const speed = await measureSpeed(sdf, codesOfFaces[0], { ort, files, manifest, threads });
    const all = (key: Figure) => concatenate(figures[key]);
    const mm = (metres: number) => 1000 * metres;
    const perFace = figures.face.map((values) => mm(mean(values)));
    const worst = perFace.indexOf(Math.max(...perFace));
    return {
      model: manifest.id,
      version: manifest.version,
      faces: codesOfFaces.length,
      surfaceMeanMm: mm(mean(all('face'))),
      surfaceP95Mm: mm(quantile(all('face'), 0.95)),
      lipsP95Mm: mm(quantile(all('lips'), 0.95)),
      lidsP95Mm: mm(quantile(all('lids'), 0.95)),
      backP95Mm: mm(quantile(all('back'), 0.95)),
      backMaxMm: mm(quantile(all('back'), 1)),
      normalMeanDeg: mean(all('normalDegrees')),
      eikonalMean: mean(all('eikonal')),
      traceMissShare: wrong / rays,
      uvMedianMm: mm(median(all('uv'))),
      uvP95Mm: mm(quantile(all('uv'), 0.95)),
      inverseUvMedianMm: mm(median(all('inverseUv'))),
      inverseUvP95Mm: mm(quantile(all('inverseUv'), 0.95)),
      cycleMedianMm: mm(median(all('cycle'))),
      cycleP95Mm: mm(quantile(all('cycle'), 0.95)),
      transferMeanMm: mm(mean(transfer.joint)),
      transferOneScanMeanMm: mm(mean(transfer.oneScan)),
      transferUnmovedMeanMm: mm(mean(transfer.unmoved)),
      penetrationMeanMm: mm(mean(all('penetration'))),
      penetrationGeneratorMeanMm: mm(mean(all('penetrationGenerator'))),
      penetrationLinearMeanMm: mm(mean(all('penetrationLinear'))),
      albedoMae: Math.max(...albedo.byTone),
      albedoMaeByTone: albedo.byTone,
      ...(encoded && {
        encoderMedianMm: mm(encoded.median),
        encoderMeanHeadMedianMm: mm(encoded.meanHeadMedian),
        encoderTrustedShare: encoded.trustedShare,
      }),
      bytesShipped: Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0),
      ...speed,
      worstFace: { index: worst, surfaceMeanMm: perFace[worst] },
      seconds: (performance.now() - begin) / 1000,
    };
  } finally {
    await Promise.all([sdf.dispose(), uv.dispose()]);
  }
}

async function measureSpeed(
  sdf: SdfModel,
  codes: Codes,
  { ort, files, manifest, threads }: Required<Pick<EvaluateModelOptions, 'ort' | 'files' | 'manifest' | 'threads'>>,
): Promise<Pick<ModelReport, 'pointsPerSecond' | 'fmasPerPoint' | 'peakFmasPerSecond' | 'fmaPeakShare'>> {
  const entry: FileEntry = manifest.files[manifest.networks.sdf.file];
  const fmasPerPoint = countFmasPerPoint(await readVerified(files, entry));
  const peakFmasPerSecond = await measurePeakFmas(ort, threads);
  const pointsPerSecond = await measurePointsPerSecond(sdf, codes);
  return {
    pointsPerSecond,
    fmasPerPoint,
    peakFmasPerSecond,
    fmaPeakShare: (fmasPerPoint * pointsPerSecond) / peakFmasPerSecond,
  };
}

function concatenate(arrays: Float32Array[]): Float32Array {
  const result = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    result.set(array, at);
    at += array.length;
  }
  return result;
}
