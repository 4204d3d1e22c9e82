/** What a core reaches in WebAssembly's SIMD128: independent multiplications and additions of four floats that never leave the registers. */

const ACCUMULATORS = 12;
const UNROLL = 8;

/** Unsigned LEB128. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

const section = (id: number, bytes: number[]) => [id, ...leb(bytes.length), ...bytes];
const simd = (op: number) => [0xfd, ...leb(op)];

/** A module that exports `run(count)`: as many rounds of `acc = acc * a + b`; with `relaxed_madd` where the engine has it, else by two instructions. */
function createModule(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const [count, a, b, first] = [0, 1, 2, 3];
  const constant = (value: number) => {
    const bits = [...new Uint8Array(Float32Array.of(value).buffer)];
    return [...simd(12), ...bits, ...bits, ...bits, ...bits];
  };
  const get = (local: number) => [0x20, ...leb(local)];
  const set = (local: number) => [0x21, ...leb(local)];
  const body = [...constant(0.999), ...set(a), ...constant(0.001), ...set(b)];
  body.push(0x03, 0x40); // loop
  for (let u = 0; u < UNROLL; u++) {
    for (let i = 0; i < ACCUMULATORS; i++) {
      const acc = first + i;
      // f32x4.relaxed_madd is 0x105, f32x4.mul 0xe6, f32x4.add 0xe4.
      if (relaxed) body.push(...get(acc), ...get(a), ...get(b), ...simd(0x105), ...set(acc));
      else body.push(...get(acc), ...get(a), ...simd(0xe6), ...get(b), ...simd(0xe4), ...set(acc));
    }
  }
  body.push(...get(count), 0x41, 1, 0x6b, 0x22, count, 0x0d, 0, 0x0b); // count -= 1; br_if 0; end
  for (let i = 0; i < ACCUMULATORS; i++) body.push(...get(first + i), ...(i > 0 ? simd(0xe4) : []));
  body.push(...simd(31), 0, 0x0b); // f32x4.extract_lane 0; end
  const locals = [1, ...leb(2 + ACCUMULATORS), 0x7b];
  const code = [...locals, ...body];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, 0x72, 0x75, 0x6e, 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

/** Multiply-adds per second of one core: the best of several runs, with the faster of both instructions. */
export async function measureSimdPeak(): Promise<number> {
  let best = 0;
  for (const relaxed of [false, true]) {
    const module = createModule(relaxed);
    if (!WebAssembly.validate(module)) continue;
    const { instance } = await WebAssembly.instantiate(module);
    const run = instance.exports.run as (count: number) => number;
    const rounds = 200_000;
    for (let i = 0; i < 7; i++) {
      const begin = performance.now();
      run(rounds);
      best = Math.max(best, (1000 * rounds * ACCUMULATORS * UNROLL * 4) / (performance.now() - begin));
    }
  }
  return best;
}
