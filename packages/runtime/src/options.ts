/** `defaults` with every option that is given, that is, not `undefined`. */
export function mergeOptions<T extends object>(defaults: T, options: { [K in keyof T]?: T[K] | undefined } = {}): T {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(given) as Partial<T>) };
}
