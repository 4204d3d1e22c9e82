const bits = /* @__PURE__ */ new Uint32Array(1);
const number = /* @__PURE__ */ new Float32Array(bits.buffer);

/** By a float's sign and exponent: what its half has in their place, and from bit 16 on by how much its mantissa is shifted. */
const encodings = /* @__PURE__ */ Uint32Array.from({ length: 512 }, (_, signAndExponent) => {
  const sign = (signAndExponent & 0x100) << 7;
  const exponent = signAndExponent & 0xff;
  // Normal halves begin at 2^-14. Denormal ones are multiples of 2^-24, to which the mantissa is shifted; 26 bits leave nothing of it.
  return exponent > 112 ? (sign + ((exponent - 113) << 10)) | (13 << 16) : sign | (Math.min(126 - exponent, 26) << 16);
});

/**
 * IEEE 754 half precision, rounded to nearest, as textures take it. Without branches (van der Zijp, "Fast Half Float Conversions"): small numbers among large ones are no rarity.
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
    const encoding = encodings[x >>> 23];
    const shift = encoding >>> 16;
    // The mantissa with its leading bit, which carries into the exponent as it is wanted; `out` cuts off what is above 16 bits.
    out[i] = encoding + ((((x & 0x7fffff) | 0x800000) + ((1 << shift) >> 1)) >>> shift);
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
