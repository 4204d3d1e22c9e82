"""What a training step of the encoder does to its pictures, in one pass over the texels: reads them where the mean face is, changes their light, hides parts and levels them.

`Unwrap` and `levelled` of encoder.py say the same with torch and are what ships; there they cost two thirds of a training step."""
from __future__ import annotations

import math

import numba
import numpy as np


@numba.njit(fastmath=True, cache=True)
def unwrap_batch(pictures, flipped, placements, places, down, across, tints, hidden, grey, facing, out):
    """Fills `out` [N, 4, S, S] with the levelled colours of `pictures` [N, P, P, 3] u8, sRGB 0..255, at `places` [N, S, S, 3], or all at the same [1, S, S, 3] (metres), as `placements` [N, 3, 4]
    put them over the picture, and with how well each is seen, 0..1.

    `flipped` [N]: the picture is to be mirrored; `down`, `across` [N, S] and `tints` [N, 3] multiply the colours; `hidden` [N, 4]: from where to where, down and across, in texels, something is before the face;
    `grey` [N]: without colour. `facing`: cosines between which a texel comes to be seen."""
    count, side, size = len(pictures), places.shape[1], pictures.shape[1]
    for n in range(count):
        m, place = placements[n], places[min(n, len(places) - 1)]
        length = math.sqrt(m[2, 0] ** 2 + m[2, 1] ** 2 + m[2, 2] ** 2)
        total = np.float32(0)
        sums = np.zeros(3, np.float32)
        for i in range(side):
            for j in range(side):
                x, y, z = place[i, j]
                u = (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]) * size + size / 2 - .5
                v = -(m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]) * size + size / 2 - .5
                u, v = min(max(u, 0), size - 1), min(max(v, 0), size - 1)
                left, top = min(int(u), size - 2), min(int(v), size - 2)
                a, b = u - left, v - top
                right = left + 1
                if flipped[n]:
                    left, right = size - 1 - left, size - 1 - right
                ax, ay, az = place[i, min(j + 1, side - 1)] - place[i, max(j - 1, 0)]
                dx, dy, dz = place[min(i + 1, side - 1), j] - place[max(i - 1, 0), j]
                nx, ny, nz = dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax
                cosine = (m[2, 0] * nx + m[2, 1] * ny + m[2, 2] * nz) / (length * math.sqrt(nx * nx + ny * ny + nz * nz + 1e-24))
                seen = min(max((cosine - facing[0]) / (facing[1] - facing[0]), 0), 1)
                if hidden[n, 0] < i < hidden[n, 1] and hidden[n, 2] < j < hidden[n, 3]:
                    seen = 0.
                gain = down[n, i] * across[n, j] / 255
                grey_value = np.float32(0)
                for c in range(3):
                    upper = (1 - a) * pictures[n, top, left, c] + a * pictures[n, top, right, c]
                    lower = (1 - a) * pictures[n, top + 1, left, c] + a * pictures[n, top + 1, right, c]
                    value = ((1 - b) * upper + b * lower) * gain * tints[n, c]
                    out[n, c, i, j] = value
                    grey_value += value / 3
                if grey[n]:
                    out[n, :3, i, j] = grey_value
                out[n, 3, i, j] = seen
                total += seen
                for c in range(3):
                    sums[c] += seen * out[n, c, i, j]
        for c in range(3):
            sums[c] /= total + 1
        squares = np.float32(0)
        for c in range(3):
            for i in range(side):
                for j in range(side):
                    seen = out[n, 3, i, j]
                    value = (out[n, c, i, j] - sums[c]) * seen
                    out[n, c, i, j] = value
                    squares += value * value * seen
        out[n, :3] *= 1 / math.sqrt(squares / (total + 1) / 3 + 1e-3)
