/** Plain data with typed arrays as JSON and back, between Node and a page. */
type Plain = unknown;

const ARRAYS = { Float32Array, Int8Array, Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array } as const;

/** Typed arrays as base64 beside their type's name. */
export function packArrays(value: Plain): Plain {
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { array: value.constructor.name, base64: bytes.toString('base64') };
  }
  if (Array.isArray(value)) return value.map(packArrays);
  if (value && typeof value === 'object') return mapValues(value, packArrays);
  return value;
}

/** The inverse of `packArrays`. */
export function unpackArrays(value: Plain): Plain {
  if (Array.isArray(value)) return value.map(unpackArrays);
  if (!value || typeof value !== 'object') return value;
  if ('base64' in value && 'array' in value) {
    const bytes = Uint8Array.from(atob(value.base64 as string), (c) => c.charCodeAt(0));
    return new ARRAYS[value.array as keyof typeof ARRAYS](bytes.buffer);
  }
  return mapValues(value, unpackArrays);
}

function mapValues(value: object, map: (value: Plain) => Plain): Plain {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item)]));
}
