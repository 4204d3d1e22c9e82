const bits = /* @__PURE__ */ new Uint32Array(1);
const number = /* @__PURE__ */ new Float32Array(bits.buffer);

/**
 * IEEE 754 half precision, rounded to nearest, as textures take it.
 *
 * @param values - numbers below 65504 in size.
 * @param out - destination. Allocated when absent.
 * @param count - how many of the first values.
 * @param at - where in `out` they go.
 */
export function encodeHalf(
  values: Float32Array,
  out: Uint16Array = new Uint16Array(values.length),
  count = values.length,
  at = 0,
): Uint16Array {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let n = 0, i = at; n < count; n++, i++) {
    const x = source[n];
    const sign = (x >>> 16) & 0x8000;
    const magnitude = x & 0x7fffffff;
    if (magnitude >= 0x38800000) {
      // Normal halves: move the exponent's bias, round the mantissa by adding half of what is cut off.
      out[i] = sign | ((magnitude - 0x38000000 + 0x1000) >>> 13);
    } else {
      // Denormal halves are whole multiples of 2^-24, which is the last place of floats from 1/2 to 1: adding 1/2 rounds to them.
      number[0] = Math.abs(values[n]) + 0.5;
      out[i] = sign | (bits[0] - 0x3f000000);
    }
  }
  return out;
}

/** The number that a half stands for. */
export function decodeHalf(half: number): number {
  const magnitude = half & 0x7fff;
  if (magnitude < 0x400) number[0] = magnitude / 16777216;
  else bits[0] = (magnitude << 13) + 0x38000000;
  return half & 0x8000 ? -number[0] : number[0];
}
