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
      format: '{stage} {bar} {percentage} %  {seconds} s',
      // The terminal's settings would have to be brought back on every way out, signals included.
      hideCursor: false,
      linewrap: true,
      gracefulExit: false,
      clearOnComplete: false,
      barsize: 32,
    },
    Presets.shades_classic,
  );
  const byStage = new Map<string, { bar: SingleBar; start: number }>();
  return {
    update(stage, fraction) {
      const now = performance.now();
      let entry = byStage.get(stage);
      if (!entry) {
        entry = { bar: bars.create(100, 0, { stage: stage.padEnd(9), seconds: 0 }), start: now };
        byStage.set(stage, entry);
      }
      // Our own clock, because a finished bar's would go on as long as others are drawn.
      entry.bar.update(Math.round(100 * fraction), { seconds: Math.round((now - entry.start) / 1000) });
    },
    stop() {
      bars.stop();
    },
  };
}
