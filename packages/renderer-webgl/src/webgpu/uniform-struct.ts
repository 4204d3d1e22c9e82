/** Components of WGSL's types. */
const COMPONENTS = { f32: 1, vec2f: 2, vec3f: 3, vec4f: 4, mat4x4f: 16 } as const;

type MemberType = keyof typeof COMPONENTS;

/** Members of a uniform block by name, in order: a type, or a type and how many of it. */
export type StructLayout = Readonly<Record<string, MemberType | readonly [MemberType, number]>>;

/** A uniform block whose layout is written once: for the shader and for what fills it. */
export interface UniformStruct<L extends StructLayout> {
  /** Declares `struct NAME`. Arrays of scalars and pairs are arrays of `vec4f` there, as uniform blocks want. */
  wgsl: string;
  byteLength: number;
  /** Writes members into a block. Arrays may be shorter than the block's. */
  pack(values: { [name in keyof L]?: ArrayLike<number> | number }, out: Float32Array): void;
}

/** Lays out a uniform block: every member begins at a multiple of 16 bytes. */
export function uniformStruct<const L extends StructLayout>(name: string, layout: L): UniformStruct<L> {
  const offsets = new Map<string, { offset: number; components: number }>();
  let size = 0;
  const lines = Object.entries(layout).map(([member, given]) => {
    const [type, count] = typeof given === 'string' ? [given, undefined] : given;
    const components = COMPONENTS[type];
    offsets.set(member, { offset: size, components });
    size += 4 * Math.ceil(components / 4) * (count ?? 1);
    const element = count !== undefined && components < 3 ? 'vec4f' : type;
    return `  @align(16) ${member}: ${count === undefined ? type : `array<${element}, ${count}>`},`;
  });
  return {
    wgsl: `struct ${name} {\n${lines.join('\n')}\n}`,
    byteLength: 4 * size,
    pack(values, out) {
      for (const [member, value] of Object.entries(values) as [string, ArrayLike<number> | number][]) {
        const { offset, components } = offsets.get(member)!;
        const numbers = typeof value === 'number' ? [value] : value;
        const stride = 4 * Math.ceil(components / 4);
        for (let i = 0; i < numbers.length; i++)
          out[offset + Math.floor(i / components) * stride + (i % components)] = numbers[i];
      }
    },
  };
}
