/** A seeded source of random numbers, the same on every machine. */
export interface Random {
  /** Evenly between `min` and `max`. */
  uniform(min?: number, max?: number): number;
  /** Mean 0, standard deviation 1. */
  normal(): number;
  /** A whole number from 0 to `limit - 1`. */
  integer(limit: number): number;
  /** `[length]` numbers, evenly between `min` and `max`. */
  uniforms(length: number, min?: number, max?: number): Float32Array;
}

/** Marsaglia's xorshift on 32 bits, warmed up so that small seeds differ from the start. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 8; i++) next();
  const uniform = (min = 0, max = 1) => min + (max - min) * next();
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    integer: (limit) => Math.floor(next() * limit),
    uniforms: (length, min, max) => Float32Array.from({ length }, () => uniform(min, max)),
  };
}
