/**
 * A seeded source of numbers of 0 to 1, 1 excluded, the same on every machine: mulberry32. Good for sampling, not for secrets.
 *
 * @param seed - a whole number of 0 to 2^32 - 1.
 * @example const random = createSeededRandom(1); random(); // 0.62707...
 */
export function createSeededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
