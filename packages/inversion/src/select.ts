/**
 * The number of a rank among the first ones of an array, which are moved about: less to the left of it, more to the right. By Hoare's FIND, in a time that goes with their count, where sorting them
 * takes ten times as long.
 *
 * @param values - none of them NaN.
 * @param rank - 0 is the least; below `count`.
 */
export function selectRank(values: Float32Array | Float64Array, count: number, rank: number): number {
  let left = 0;
  let right = count - 1;
  while (left < right) {
    const pivot = values[rank];
    let i = left;
    let j = right;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      const value = values[i];
      values[i++] = values[j];
      values[j--] = value;
    }
    if (rank <= j) right = j;
    else if (rank >= i) left = i;
    else break;
  }
  return values[rank];
}
