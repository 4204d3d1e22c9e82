import { turnRotation } from './pose.js';

/** Settings of a one-euro filter. */
export interface OneEuroSettings {
  /** Cutoff at rest, hertz: lower is steadier. */
  minCutoffHz: number;
  /** How fast the cutoff grows with the signal's speed, hertz per unit and second: higher lags less. */
  beta: number;
}

/** A filter with a memory. */
export interface OneEuroFilter<T> {
  /**
   * @param seconds - since the last call; of no matter at the first one after a reset, which goes through as it is.
   * @returns the filtered value.
   */
  filter(value: T, seconds: number): T;
  reset(): void;
}

/** Cutoff of the speed itself, hertz; higher than usual, since a blink is over in a tenth of a second. */
const SPEED_CUTOFF_HZ = 3;

/** The share of the new value in a first-order low-pass. */
function share(cutoffHz: number, seconds: number): number {
  const r = 2 * Math.PI * cutoffHz * seconds;
  return r / (1 + r);
}

/**
 * Steadies numbers, each for itself: a low-pass whose cutoff rises with the speed, so that what rests does not tremble and what moves does not lag.
 *
 * @see Casiez, Roussel and Vogel, 1 euro filter: a simple speed-based low-pass filter for noisy input in interactive systems, 2012.
 */
export function createOneEuroFilter({ minCutoffHz, beta }: OneEuroSettings): OneEuroFilter<Float64Array> {
  let state: { raw: Float64Array; smooth: Float64Array; speed: Float64Array } | undefined;
  return {
    filter(value, seconds) {
      if (!state) {
        state = { raw: value.slice(), smooth: value.slice(), speed: new Float64Array(value.length) };
        return value.slice();
      }
      const { raw, smooth, speed } = state;
      const towardSpeed = share(SPEED_CUTOFF_HZ, seconds);
      for (let i = 0; i < value.length; i++) {
        speed[i] += towardSpeed * ((value[i] - raw[i]) / seconds - speed[i]);
        smooth[i] += share(minCutoffHz + beta * Math.abs(speed[i]), seconds) * (value[i] - smooth[i]);
        raw[i] = value[i];
      }
      return smooth.slice();
    },
    reset() {
      state = undefined;
    },
  };
}

/** The same for rotations `[3, 3]`, along the shortest way; speed is in radians per second. */
export function createOneEuroRotation({ minCutoffHz, beta }: OneEuroSettings): OneEuroFilter<Float64Array> {
  let state: { raw: Float64Array; smooth: Float64Array; speed: number } | undefined;
  return {
    filter(value, seconds) {
      if (!state) {
        state = { raw: value.slice(), smooth: value.slice(), speed: 0 };
        return value.slice();
      }
      const turned = Math.hypot(...rotationBetween(state.raw, value)) / seconds;
      state.speed += share(SPEED_CUTOFF_HZ, seconds) * (turned - state.speed);
      const amount = share(minCutoffHz + beta * state.speed, seconds);
      const way = rotationBetween(state.smooth, value).map((w) => amount * w);
      state = { raw: value.slice(), smooth: turnRotation(state.smooth, way), speed: state.speed };
      return state.smooth.slice();
    },
    reset() {
      state = undefined;
    },
  };
}

/** The rotation vector w, radians, with exp(w) from = to. */
export function rotationBetween(from: Float64Array, to: Float64Array): [number, number, number] {
  // to from^T
  const m = (i: number, j: number) =>
    to[3 * i] * from[3 * j] + to[3 * i + 1] * from[3 * j + 1] + to[3 * i + 2] * from[3 * j + 2];
  const axis = [m(2, 1) - m(1, 2), m(0, 2) - m(2, 0), m(1, 0) - m(0, 1)];
  const sine = Math.hypot(...axis) / 2;
  const angle = Math.atan2(sine, (m(0, 0) + m(1, 1) + m(2, 2) - 1) / 2);
  const scale = sine < 1e-9 ? 0.5 : angle / (2 * sine);
  return axis.map((a) => scale * a) as [number, number, number];
}
