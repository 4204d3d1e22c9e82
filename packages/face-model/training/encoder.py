"""The encoder: one picture of a face and its landmarks -> geometry and expression codes, and how far off they may be.

The picture is unwrapped: the mean face, placed over the photo by the similarity that brings its landmarks to the detected ones, says for each texel of a square of the chart which pixel to look at. Were it the mean face itself, every
feature would lie at its own place on the chart, whatever the pose; so what is displaced there is what the codes describe, and a small convolutional network need not learn what turning does. Landmarks enter turned upright in the same
way. A linear map of them is the start (the ridge regression), the network on the picture and a few layers on both add to it. What is learnt is measured where it matters, in millimetres between corresponding vertices of the face,
after all that a similarity would explain is gone.
"""
from __future__ import annotations

import math

import numba
import numpy as np
import torch
from torch import nn

import facekit as fk
from fields import DE, DG
from registration import similarity
from surface import interpolate, rasterize

POINTS = 468
CROP = 160             # side of the picture that is unwrapped, pixels
CROP_MARGIN = 1.3      # its window over the landmarks' extent
SIDE = 80              # side of the unwrapped picture, texels
REGION = ((.15, .2), (.85, .9))      # of the chart: low and high u, v
FACING = (.05, .35)    # cosine of the mean face's normal to the viewer from which on a texel begins to be, and is, seen
WIDTHS = (16, 32, 64, 96, 96)
BOTTLENECK = 96        # what is kept of the landmarks, and of the picture
AXES = np.array([1, -1, -1])    # pixels and depth to glTF's axes


class Encoder(nn.Module):
    """(image [N, 80, 80, 4] unwrapped sRGB 0..1 and how well each texel is seen 0..1, shape [N, 468, 3], rotation [N, 3, 3]) -> geometry [N, 100], expression [N, 58], log of the expected squared error in square millimetres [N]."""

    def __init__(self):
        super().__init__()
        self.register_buffer('shape_mean', torch.zeros(3 * POINTS))
        self.scale = 100.                                              # shapes are metres; what differs between faces is about a centimetre
        self.squeeze = nn.Linear(3 * POINTS, BOTTLENECK, bias=False)
        self.linear = nn.Linear(BOTTLENECK, DG + DE)
        self.convolutions = nn.ModuleList([nn.Conv2d(i, o, 3, 2, 1) for i, o in zip((4, *WIDTHS), WIDTHS)])
        side = -(-SIDE // 2 ** len(WIDTHS))
        self.seen = nn.Linear(WIDTHS[-1] * side * side, BOTTLENECK)
        self.mix = nn.Linear(2 * BOTTLENECK + 9, 192)
        self.correct = nn.Linear(192, DG + DE)
        self.doubt = nn.Linear(192, 1)
        with torch.no_grad():
            self.correct.weight.mul_(.1)
            self.doubt.weight.mul_(.1)

    def forward(self, image, shape, rotation):
        colour, seen = image[..., :3], image[..., 3:]
        # Exposure, tint and contrast say nothing of shape.
        weight = seen / (seen.sum((1, 2), keepdim=True) + 1)
        colour = (colour - (colour * weight).sum((1, 2), keepdim=True)) * seen
        colour = colour / ((colour.square() * weight).sum((1, 2, 3), keepdim=True) / 3 + 1e-3).sqrt()
        x = torch.cat([colour, seen], 3).permute(0, 3, 1, 2)
        for convolution in self.convolutions:
            x = torch.nn.functional.relu(convolution(x))
        looks = torch.nn.functional.silu(self.seen(x.flatten(1)))
        points = self.squeeze((shape.flatten(1) - self.shape_mean) * self.scale)
        h = torch.nn.functional.silu(self.mix(torch.cat([points, looks, rotation.flatten(1)], 1)))
        codes = self.linear(points) + self.correct(h)
        return codes[:, :DG], codes[:, DG:], self.doubt(h)[:, 0]


class MeanFace:
    """What the encoder's inputs are made with: the mean face's landmarks, and its places and normals under the texels of the unwrapped picture."""

    def __init__(self, kit: fk.FaceKit):
        folder = fk.cache_dir() / 'atlas'
        self.landmarks = np.load(folder / 'landmarks.npz')['points468']
        low, high = np.array(REGION)
        places = (np.load(folder / 'atlas.npz')['uv'] - low) / (high - low) * SIDE
        triangles = kit.skin_triangles()
        triangle, weights = rasterize(np.c_[places, np.zeros(len(places))], triangles, SIDE, SIDE)
        if (triangle < 0).any():
            raise SystemExit('encoder: the chart does not cover the region that is unwrapped')
        self.places = interpolate(kit.neutral[:fk.SKIN].astype(np.float64), triangles, triangle.ravel(), weights.reshape(-1, 3)).reshape(SIDE, SIDE, 3)
        # By differences of neighbours, as the product does.
        normals = np.cross(np.gradient(self.places, axis=0), np.gradient(self.places, axis=1))
        self.normals = normals / np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)

    def inputs(self, crop: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A crop [CROP, CROP, 3] u8 and the landmarks [468, 3] in its frame (sides at -.5 and .5, y down, z away) -> image [SIDE, SIDE, 4] u8, shape [468, 3] m, rotation [3, 3] that turns the mean face to them."""
        points = landmarks * AXES
        scale, rotation, shift = similarity(points, self.landmarks)
        shape = scale * points @ rotation.T + shift
        scale, rotation, shift = similarity(self.landmarks, points)
        placed = scale * self.places.reshape(-1, 3) @ rotation.T + shift
        pixels = (placed[:, :2] * [1, -1] + .5) * CROP - .5
        seen = np.clip(((self.normals.reshape(-1, 3) @ rotation.T)[:, 2] - FACING[0]) / (FACING[1] - FACING[0]), 0, 1)
        return unwrap(crop, pixels, seen).reshape(SIDE, SIDE, 4), shape.astype(np.float32), rotation.astype(np.float32)


@numba.njit(cache=True)
def unwrap(picture, pixels, seen):
    """Bilinear colours of a picture [H, W, 3] u8 at pixels [N, 2] (whole numbers are centres), edges repeated, beside seen [N] -> [N, 4] u8."""
    height, width = picture.shape[:2]
    out = np.zeros((len(pixels), 4), np.uint8)
    for n in range(len(pixels)):
        x, y = min(max(pixels[n, 0], 0.), width - 1.), min(max(pixels[n, 1], 0.), height - 1.)
        i, j = min(int(x), width - 2), min(int(y), height - 2)
        fx, fy = x - i, y - j
        for c in range(3):
            upper = picture[j, i, c] * (1 - fx) + picture[j, i + 1, c] * fx
            lower = picture[j + 1, i, c] * (1 - fx) + picture[j + 1, i + 1, c] * fx
            out[n, c] = int(upper * (1 - fy) + lower * fy + .5)
        out[n, 3] = int(255 * seen[n] + .5)
    return out


class Metric(nn.Module):
    """Root mean squares of vertex distances, millimetres, that differences of codes make on FaceKit's first `count` vertices, after all that a similarity explains to first order is taken away."""

    def __init__(self, kit: fk.FaceKit, count: int = fk.NARROW_FACE):
        super().__init__()
        offsets = kit.basis[:, :count].reshape(DG + DE, -1).astype(np.float64)
        rest = 1000 * without_similarities(offsets, kit.neutral[:count].astype(np.float64))
        gram = rest @ rest.T / count
        value, vector = np.linalg.eigh(gram)
        self.register_buffer('root', torch.from_numpy((vector * np.sqrt(np.maximum(value, 0))).astype(np.float32)))      # [158, 158]: |d . root| is the error

    def forward(self, difference):                                           # [N, 158] -> [N]
        return ((difference @ self.root).square().sum(1) + 1e-6).sqrt()


def without_similarities(offsets: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """[K, 3 V] displacements of vertices [V, 3] less their best translation, rotation and scale, to first order."""
    centred = vertices - vertices.mean(0)
    moves = [np.broadcast_to(axis, vertices.shape) for axis in np.eye(3)] + [np.cross(axis, centred) for axis in np.eye(3)] + [centred]
    basis, _ = np.linalg.qr(np.stack([m.ravel() for m in moves], 1))
    return offsets - (offsets @ basis) @ basis.T


def vertex_errors(kit: fk.FaceKit, codes: np.ndarray, truth: np.ndarray, count: int = fk.NARROW_FACE, batch: int = 64) -> np.ndarray:
    """[N, V] millimetres between corresponding vertices of heads with codes [N, 158] and those of the truth, each brought onto the true one by the best similarity."""
    basis, neutral = kit.basis[:, :count].reshape(DG + DE, -1).astype(np.float32), kit.neutral[:count].reshape(-1)
    out = np.empty((len(codes), count), np.float32)
    for i in range(0, len(codes), batch):
        posed = [(neutral + c[i:i + batch] @ basis).reshape(-1, count, 3).astype(np.float64) for c in (codes, truth)]
        for k, (a, b) in enumerate(zip(*posed)):
            scale, rotation, shift = similarity(a, b)
            out[i + k] = 1000 * np.linalg.norm(scale * a @ rotation.T + shift - b, axis=1)
    return out


def mirrors(kit: fk.FaceKit, mirror: np.ndarray) -> np.ndarray:
    """[158, 158]: codes @ this are those of the mirrored head. `mirror` [V]: each vertex's twin. The generator is symmetric: its identities are closed under mirroring, its expressions swap sides."""
    out = np.zeros((DG + DE, DG + DE), np.float32)
    count = len(mirror)
    identity = kit.identity[:, :count].astype(np.float64)
    out[:DG, :DG] = np.linalg.lstsq(identity.reshape(DG, -1).T, (identity[:, mirror] * [-1, 1, 1]).reshape(DG, -1).T, rcond=None)[0].T
    sides = {'_L': '_R', '_R': '_L', 'Left': 'Right', 'Right': 'Left'}
    for k, name in enumerate(kit.names):
        twin = next((name[:-len(end)] + other for end, other in sides.items() if name.endswith(end)), name)
        out[DG + k, DG + kit.names.index(twin)] = 1
    return out


def ridge(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """[N, P], [N, Q] -> weights [P, Q] and bias [Q] of the regression with a penalty on the weights' squares, as a share of the inputs' mean variance."""
    mean_x, mean_y = x.mean(0), y.mean(0)
    a = (x - mean_x).astype(np.float64)
    gram = a.T @ a
    gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / len(gram)
    w = np.linalg.solve(gram, a.T @ (y - mean_y))
    return w, mean_y - mean_x @ w


def start_from(encoder: Encoder, weights: np.ndarray, bias: np.ndarray, metric: Metric) -> None:
    """Makes the encoder's linear part the regression codes = shape . weights + bias (on its scaled shapes), reduced to the bottleneck's rank where it matters least in the metric."""
    root = metric.root.numpy().astype(np.float64)
    root = root @ root.T + .05 * np.eye(len(root))              # a little of every code, not only of what shows
    half = np.linalg.cholesky(root)
    u, s, vt = np.linalg.svd(weights @ half, full_matrices=False)
    u, s, vt = u[:, :BOTTLENECK], s[:BOTTLENECK], vt[:BOTTLENECK] @ np.linalg.inv(half)
    spread = math.sqrt(len(weights)) * .02
    with torch.no_grad():
        encoder.squeeze.weight.copy_(torch.from_numpy(u.T / spread))
        encoder.linear.weight.copy_(torch.from_numpy((s[:, None] * vt).T * spread))
        encoder.linear.bias.copy_(torch.from_numpy(bias))
