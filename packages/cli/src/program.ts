import { Command } from 'commander';
import { exportCommand } from './commands/export.js';
import { invertCommand } from './commands/invert.js';
import { renderCommand } from './commands/render.js';
import { sampleCommand } from './commands/sample.js';
import { trackCommand } from './commands/track.js';
import { oneLine } from './errors.js';

/** All commands. Faults in the arguments are written to stderr in one line and thrown as commander's errors. */
export function createProgram(): Command {
  const program = new Command('implicit-faces')
    .description('One photo in; an animatable, relightable, paintable 3D face avatar out.')
    .addHelpText(
      'after',
      '\nExample:\n  implicit-faces invert me.jpg --out me\n\n"implicit-faces COMMAND --help" says more about each.',
    )
    // Set before commands are added, which inherit it.
    .configureOutput({ outputError: (message, write) => write(`implicit-faces: ${oneLine(message)}\n`) })
    .exitOverride();
  for (const add of [invertCommand, exportCommand, renderCommand, sampleCommand, trackCommand]) add(program);
  return program;
}
