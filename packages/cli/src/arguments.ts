import { InvalidArgumentError } from 'commander';

/** Makes a reader of whole numbers for commander. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It should be a whole number of ${min} to ${max}.`);
    }
    return value;
  };
}

/** Reads an angle in degrees for commander. */
export function degrees(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(Math.abs(value) <= 180)) {
    throw new InvalidArgumentError('It should be a number of -180 to 180.');
  }
  return value;
}

/** Reads a path for commander; an empty one would mean the current folder by accident. */
export function path(text: string): string {
  if (text === '') throw new InvalidArgumentError('It should be a path.');
  return text;
}
