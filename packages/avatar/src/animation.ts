/** Weights by name, what is not named being 0. */
export type Weights = Readonly<Record<string, number>>;

/** An animation of blendshape weights, and of the head's rotation. */
export interface ExpressionTrack {
  /** Seconds, rising. */
  times: ArrayLike<number>;
  /** One per time. */
  frames: readonly Weights[];
  /** `[N, 4]` the head's rotation at each time, unit quaternions x, y, z, w; it keeps still when absent. */
  rotations?: ArrayLike<number>;
}
