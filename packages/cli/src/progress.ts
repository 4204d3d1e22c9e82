import { MultiBar, Presets, type SingleBar } from 'cli-progress';

/** Shows how far each stage is. */
export interface Progress {
  /** @param fraction - of the stage, 0 to 1. */
  update(stage: string, fraction: number): void;
  /** Leaves the terminal to others. */
  stop(): void;
}

/** A bar per stage on stderr when that is a terminal, else nothing. A stage has a bar from its first word on. */
export function createProgress({ quiet = false, stream = process.stderr } = {}): Progress {
  if (quiet || !stream.isTTY) return { update() {}, stop() {} };
  const bars = new MultiBar(
    {
      stream,
      format: '{stage} {bar} {percentage} %  {duration_formatted}',
      // A hidden cursor would have to be brought back on every way out, signals included.
      hideCursor: false,
      gracefulExit: false,
      clearOnComplete: false,
      barsize: 32,
    },
    Presets.shades_classic,
  );
  const byStage = new Map<string, SingleBar>();
  return {
    update(stage, fraction) {
      let bar = byStage.get(stage);
      if (!bar) {
        bar = bars.create(100, 0, { stage: stage.padEnd(9) });
        byStage.set(stage, bar);
      }
      bar.update(Math.round(100 * fraction));
      if (fraction >= 1) bar.stop();
    },
    stop() {
      bars.stop();
    },
  };
}
