#!/usr/bin/env node
// The command `implicit-faces`. Exit codes: 0 done; 2 the caller's arguments or files are at fault, said in one line on stderr; 1 a fault of
// this program, with its stack.
import { CommanderError } from 'commander';
import { isCallersFault, oneLine } from './errors.js';
import { createProgram } from './program.js';

const program = createProgram();
try {
  if (process.argv.length > 2) await program.parseAsync();
  else program.outputHelp();
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said what was wrong, or shown the help that was asked for.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (isCallersFault(error)) {
    process.stderr.write(`implicit-faces: ${oneLine(error.message)}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`${(error as Error)?.stack ?? error}\n`);
    process.exitCode = 1;
  }
}
