import type { AblationPhotoFigures, AblationResults, AblationRow, ColourFigures } from './ablations.js';
import { mean, rounded } from './statistics.js';
import { summariseSynthetic } from './synthetic-evaluation.js';

/** One run of `evaluate --ablations`. */
export interface AblationRun extends AblationResults {
  model: string;
  preset: string;
  /** Names of portraits and photos, and of ablations that made no avatar of them. */
  failed: string[];
}

/** The columns of the table of ablations, of what a row has. */
export function summariseAblation({ synthetic, photos }: AblationRow) {
  const found = photos.flatMap(({ nme }) => (nme === null ? [] : [nme]));
  const average = (of: (photo: AblationPhotoFigures) => number) => mean(photos.map(of));
  const faces = synthetic.length ? summariseSynthetic(synthetic) : undefined;
  return {
    synthetic: faces && {
      medianMm: faces.medianMm,
      nowMedianMm: faces.nowMedianMm,
      novelPsnrDb30: faces.novelPsnrDb30,
      // Few faces leave thirds of tone empty, so this is the mean of all.
      albedoMae: mean(synthetic.map(({ albedoMae }) => albedoMae)),
      relightPsnrDb: faces.relightPsnrDb,
      faces: synthetic.length,
    },
    photos: photos.length
      ? {
          psnrDb: average(({ psnrDb }) => psnrDb),
          modelPsnrDb: average(({ modelPsnrDb }) => modelPsnrDb),
          nme: found.length ? mean(found) : null,
          projectedNme: average(({ projectedNme }) => projectedNme),
          seconds: average(({ seconds }) => seconds),
          count: photos.length,
        }
      : undefined,
  };
}

/** Both kinds of colour over all faces. */
export function summariseColours(colours: AblationResults['colours']): { uv: ColourFigures; field: ColourFigures } {
  const average = (kind: 'uv' | 'field') =>
    Object.fromEntries(
      Object.keys(colours[0][kind]).map((key) => [key, mean(colours.map((c) => c[kind][key as keyof ColourFigures]))]),
    ) as unknown as ColourFigures;
  return { uv: average('uv'), field: average('field') };
}

/** A line per ablation; what was not measured is missing. */
export function ablationTable(rows: AblationResults['rows']): Record<string, unknown>[] {
  return rows.map((row) => {
    const { synthetic, photos } = summariseAblation(row);
    const { faces: _, ...ofFaces } = synthetic ?? { faces: 0 };
    const { count: __, ...ofPhotos } = photos ?? { count: 0 };
    return { ablation: row.label, ...ofFaces, ...ofPhotos };
  });
}

/** What `--json` prints: `synthetic` and `photos` are those of `full`, if it was asked for, as far as ablations measure them. */
export function ablationSummary({ rows, colours, model, preset, failed }: AblationRun): unknown {
  const ablations = Object.fromEntries(rows.map((row) => [row.name, summariseAblation(row)]));
  return rounded({
    ...{ synthetic: ablations.full?.synthetic ?? null, photos: ablations.full?.photos ?? null },
    ablations,
    colours: colours.length ? summariseColours(colours) : null,
    ...{ model, preset, failed },
  });
}

/** The same as a table of text. */
export function ablationText({ rows, colours }: AblationRun): string {
  const lines = rounded(ablationTable(rows)) as Record<string, unknown>[];
  const names = Object.keys(lines[0]).filter((name) => name !== 'ablation');
  const row = (cells: readonly unknown[]) => `${cells.map((value) => String(value ?? '-').padEnd(14)).join('')}\n`;
  const text = [
    row(['', ...names]),
    ...lines.map((line, i) => row([rows[i].name, ...names.map((name) => line[name])])),
  ];
  if (colours.length) {
    const { uv, field } = rounded(summariseColours(colours)) as Record<string, Record<string, number>>;
    text.push('\n', `${''.padEnd(22)}${row(['uv', 'colour(x)'])}`);
    for (const key of Object.keys(uv)) text.push(`${key.padEnd(22)}${row([uv[key], field[key]])}`);
  }
  return text.join('');
}
