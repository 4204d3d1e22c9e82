/** How many points the landmark network places. */
export const LANDMARK_COUNT = 468;

// Left and right are the subject's, so the subject's right eye is on the left of a portrait.

/** Outer corner of the subject's right and left eye: the pair that landmark errors are normalised by. */
export const RIGHT_EYE_OUTER = 33;
export const LEFT_EYE_OUTER = 263;

/** Outline of the face, from the top of the forehead round by the subject's left cheek and the chin. Closed. */
export const FACE_OVAL: readonly number[] = [
  10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136,
  172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
];

/** Outer border of the lips, from the subject's right corner along the lower lip. Closed. */
export const LIPS_OUTER: readonly number[] = [
  61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
];

/** Inner border of the lips, from the subject's right corner along the lower lip. Closed. */
export const LIPS_INNER: readonly number[] = [
  78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
];

/** Lid border of the subject's right eye, from the outer corner along the lower lid. Closed. */
export const RIGHT_EYE: readonly number[] = [
  33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
];

/** Lid border of the subject's left eye, from the outer corner along the lower lid. Closed. */
export const LEFT_EYE: readonly number[] = [
  263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
];

/** Subject's right brow: upper border outside in, then lower border inside out. Closed. */
export const RIGHT_BROW: readonly number[] = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46];

/** Subject's left brow: upper border outside in, then lower border inside out. Closed. */
export const LEFT_BROW: readonly number[] = [300, 293, 334, 296, 336, 285, 295, 282, 283, 276];

/** Bridge of the nose, from between the eyes to the tip. */
export const NOSE_BRIDGE: readonly number[] = [168, 6, 197, 195, 5, 4];

/**
 * The mesh point nearest to each of the 68 points of the iBUG (300-W) annotation, in its order: jaw 0-16 from the subject's right, brows
 * 17-26, nose 27-35, eyes 36-47, outer lips 48-59, inner lips 60-67. Mesh and annotation do not agree exactly: the jaw line is a choice.
 */
export const IBUG68_FROM_468: readonly number[] = [
  162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389, 71, 63, 105, 66, 107, 336, 296,
  334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 61, 39,
  37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
];
