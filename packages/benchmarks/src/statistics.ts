/** The average; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** The value below which `share` (0 to 1) of the values are, between neighbours by a straight line; NaN of nothing. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** Plain data with every number that is not whole cut to four digits. */
export function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, x) =>
    typeof x === 'number' && !Number.isInteger(x) ? Number(x.toPrecision(4)) : x,
  );
}
