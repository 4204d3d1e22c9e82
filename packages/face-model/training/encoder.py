"""The encoder: one picture of a face and its landmarks -> geometry and expression codes, and how far off they may be.

The picture is unwrapped: the mean face, placed over the photo by the similarity that brings its landmarks to the detected ones, says which pixel lies at each angle about
the head's axis and each height. Were it the mean face itself, every feature would lie at its own place there, whatever the pose; so what is displaced is what the codes
describe, and a small convolutional network need not learn what turning does. Landmarks enter turned upright in the same way. A linear map of them is the start (the ridge
regression); the network on the picture and a few layers on both add to it. What is learnt is measured where it matters, in millimetres between corresponding vertices of
the face, after all that a similarity would explain is gone.
"""
from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

import facekit as fk
from atlas import mirror_of
from fields import DE, DG
from registration import similarity
from surface import interpolate, rasterize

POINTS = 468
CROP = 160             # side of the picture that is unwrapped, pixels
CROP_MARGIN = 1.3      # its window over the landmarks' extent
SIDE = 160             # side of the unwrapped picture, texels of 1.3 mm: as fine as the crop's pixels
ANGLE, HEIGHTS = 1.1, (.09, -.12)      # it reaches this far to either side about the axis x = z = 0, radians, and from top to bottom, metres
GRID = 40              # side of the coarser one that says where another face has its texels
FACING = (.05, .35)    # cosine of the mean face's normal to the viewer from which on a texel begins to be, and is, seen
WIDTHS = (16, 32, 64, 96, 128)
REFINED = (3, 4)       # scales at which a residual block follows
BOTTLENECK = 96        # what is kept of the landmarks, and of the picture
AXES = np.array([1, -1, -1])    # pixels and depth to glTF's axes


class Unwrap(nn.Module):
    """Reads pictures [N, P, P, 3] where the mean face, placed over them, has each of its texels -> [N, SIDE, SIDE, 4]: colours, and 0..1 how well each is seen.

    `placement` [N, 3, 4] takes the mean face to the picture: metres to a frame whose middle is the picture's and whose sides lie at -.5 and .5, x right, y up, z to the viewer; a similarity."""

    def __init__(self):
        super().__init__()
        self.register_buffer('places', torch.zeros(SIDE, SIDE, 3))

    def forward(self, picture, placement, offsets=None):
        """`offsets` [N, SIDE, SIDE, 3]: where another face than the mean one has the texels, beside where that has them, metres."""
        places = self.places[None] if offsets is None else self.places + offsets
        linear, shift = placement[:, :, :3], placement[:, None, :, 3]
        placed = places.flatten(1, 2) @ linear.transpose(1, 2) + shift                                           # [N, SIDE^2, 3]
        at = (placed[..., :2] * torch.tensor([2., -2.])).unflatten(1, (SIDE, SIDE))
        colours = torch.nn.functional.grid_sample(picture.permute(0, 3, 1, 2), at, mode='bilinear', padding_mode='border', align_corners=False).permute(0, 2, 3, 1)
        towards = linear[:, 2] / linear[:, 2].square().sum(-1, keepdim=True).sqrt()
        cosine = (normals_of(places).flatten(1, 2) @ towards[:, :, None]).unflatten(1, (SIDE, SIDE))
        return torch.cat([colours, ((cosine - FACING[0]) / (FACING[1] - FACING[0])).clamp(0, 1)], 3)


def normals_of(places):
    """[..., SIDE, SIDE, 3] of unit length, by differences of neighbours."""
    p = places
    across = torch.cat([p[..., 1:2, :] - p[..., :1, :], p[..., 2:, :] - p[..., :-2, :], p[..., -1:, :] - p[..., -2:-1, :]], -2)
    down = torch.cat([p[..., 1:2, :, :] - p[..., :1, :, :], p[..., 2:, :, :] - p[..., :-2, :, :], p[..., -1:, :, :] - p[..., -2:-1, :, :]], -3)
    normal = torch.linalg.cross(down, across)
    return normal / (normal.square().sum(-1, keepdim=True) + 1e-24).sqrt()


def levelled(image):
    """[N, SIDE, SIDE, 4] colours and how well each texel is seen -> [N, 4, SIDE, SIDE] the same without what exposure, tint and contrast did to the colours: they say nothing of shape."""
    colour, seen = image[..., :3], image[..., 3:]
    weight = seen / (seen.sum((1, 2), keepdim=True) + 1)
    colour = (colour - (colour * weight).sum((1, 2), keepdim=True)) * seen
    colour = colour / ((colour.square() * weight).sum((1, 2, 3), keepdim=True) / 3 + 1e-3).sqrt()
    return torch.cat([colour, seen], 3).permute(0, 3, 1, 2)


class Residual(nn.Module):
    """Two convolutions beside what comes in [N, W, H, H] >= 0; nothing at first, so that a trained network can be given more of them."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        nn.init.kaiming_normal_(self.first.weight, nonlinearity='relu')
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return torch.nn.functional.relu(x + self.second(torch.nn.functional.relu(self.first(x))))


class Encoder(nn.Module):
    """(picture [N, 160, 160, 3] sRGB 0..1, shape [N, 468, 3] upright landmarks in metres, placement [N, 3, 4]) -> geometry [N, 100], expression [N, 58], log of the expected
    squared error in square millimetres [N]."""

    def __init__(self, known: int = 0):
        super().__init__()
        self.unwrap = Unwrap()
        self.register_buffer('shape_mean', torch.zeros(3 * POINTS))
        self.scale = 100.                                              # shapes are metres; what differs between faces is about a centimetre
        self.squeeze = nn.Linear(3 * POINTS, BOTTLENECK, bias=False)
        self.linear = nn.Linear(BOTTLENECK, DG + DE)
        self.convolutions = nn.ModuleList([nn.Conv2d(i, o, 3, 2, 1) for i, o in zip((4, *WIDTHS), WIDTHS)])
        self.residuals = nn.ModuleList([Residual(width) if scale in REFINED else nn.Identity() for scale, width in enumerate(WIDTHS)])
        side = -(-SIDE // 2 ** len(WIDTHS))
        self.seen = nn.Linear(WIDTHS[-1] * side * side, BOTTLENECK)
        self.mix = nn.Linear(2 * BOTTLENECK + 9 + known, 192)
        self.correct = nn.Linear(192, DG + DE)
        self.doubt = nn.Linear(192, 1)
        for layer in (*self.convolutions, self.seen):
            nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')
        with torch.no_grad():
            self.correct.weight.mul_(.1)
            self.doubt.weight.mul_(.1)

    def forward(self, picture, shape, placement):
        return self.codes(self.unwrap(picture, placement), shape, placement)

    def codes(self, image, shape, placement):
        """The same from a picture that is unwrapped already."""
        return self.answer(self.look(levelled(image)), shape, placement)

    def look(self, image):                                                    # [N, 4, SIDE, SIDE], levelled -> [N, BOTTLENECK]
        for convolution, residual in zip(self.convolutions, self.residuals):
            image = residual(torch.nn.functional.relu(convolution(image)))
        return torch.nn.functional.silu(self.seen(image.flatten(1)))

    def answer(self, looks, shape, placement, *known):
        points = self.squeeze((shape.flatten(1) - self.shape_mean) * self.scale)
        linear = placement[:, :, :3]
        rotation = linear / linear.square().sum(2, keepdim=True).sqrt()
        h = torch.nn.functional.silu(self.mix(torch.cat([points, looks, rotation.flatten(1), *known], 1)))
        codes = self.linear(points) + self.correct(h)
        return codes[:, :DG], codes[:, DG:], self.doubt(h)[:, 0]


class Refinement(Encoder):
    """A second look, by a network of the same kind, at what the first one answered: cascaded regression (Dollar, Welinder and Perona 2010). The picture is unwrapped as the answered face has it, so what is
    still displaced there is what the answer missed.

    (picture [N, 160, 160, 3], shape [N, 468, 3] the landmarks, brought onto those of the answered face by a similarity, less those, metres, placement [N, 3, 4] of the answered face, offsets [N, GRID, GRID, 3]
    of its places from the mean face's, at the texels of a picture so much coarser, metres, geometry [N, 100], expression [N, 58] the answer) -> as the first."""

    def __init__(self):
        super().__init__(DG + DE)

    def forward(self, picture, shape, placement, offsets, geometry, expression):
        first = torch.cat([geometry, expression], 1)
        image = self.unwrap(picture, placement, self.fine(offsets))
        g, e, doubt = self.answer(self.look(levelled(image)), shape, placement, first)
        return geometry + g, expression + e, doubt

    @staticmethod
    def fine(offsets):                                                        # [N, GRID, GRID, 3] -> [N, SIDE, SIDE, 3]
        between = interpolation(GRID, SIDE)
        return torch.einsum('ik,nklc,jl->nijc', between, offsets, between)


def interpolation(coarse: int, fine: int) -> torch.Tensor:
    """[fine, coarse]: linear interpolation between texels' middles, constant beyond the last ones."""
    at = ((torch.arange(fine) + .5) / fine * coarse - .5).clamp(0, coarse - 1)
    return (1 - (at[:, None] - torch.arange(coarse)).abs()).clamp(min=0)


class Symmetric(nn.Module):
    """An encoder that is asked about the picture and about its mirror image, and says the mean of the two: as it ships. Faces have no preferred side, so what is left is better by what the two disagreed."""

    def __init__(self, encoder: Encoder, kit: fk.FaceKit, landmarks: np.ndarray):
        super().__init__()
        self.encoder = encoder
        twin, codes = mirrored(kit, landmarks)
        self.register_buffer('twin', twin)                                     # [468] each landmark's other side
        self.register_buffer('codes', codes)                                   # [158, 158]

    def forward(self, picture, shape, placement, *answered):
        other = self.encoder(*mirror_image(picture, shape, placement, self.twin), *(mirror_answer(*answered, self.codes) if answered else ()))
        g, e, doubt = self.encoder(picture, shape, placement, *answered)
        codes = (torch.cat([g, e], 1) + torch.cat(other[:2], 1) @ self.codes) / 2
        return codes[:, :DG], codes[:, DG:], (doubt + other[2]) / 2


def mirror_answer(offsets, geometry, expression, codes):
    """What a refinement takes of the first answer, of the mirrored face."""
    other = torch.cat([geometry, expression], 1) @ codes
    return offsets.flip(2) * torch.tensor([-1., 1, 1]), other[:, :DG], other[:, DG:]


def mirror_image(picture, shape, placement, twin):
    """What the encoder takes, of the mirrored face."""
    return picture.flip(2), *mirror_points(shape, placement, twin)


def mirror_points(shape, placement, twin):
    flip = torch.tensor([-1., 1, 1])
    return shape[:, twin] * flip, placement * flip[:, None] * torch.tensor([-1., 1, 1, 1])


def mirrored(kit: fk.FaceKit, landmarks: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Each landmark's twin on the other side, of the mean face's landmarks [468, 3]; and the matrix that codes of a mirrored head are by those of the head."""
    return torch.from_numpy(mirror_of(landmarks)), torch.from_numpy(mirrors(kit, mirror_of(kit.neutral[:fk.SKIN].astype(np.float64))))


def mean_places(kit: fk.FaceKit) -> np.ndarray:
    """[SIDE, SIDE, 3] the outermost places of the mean head at each angle about its axis, the subject's right first, and each height, the top first."""
    return interpolate(kit.neutral.astype(np.float64), *cylinder(kit, SIDE, ('eyeLeft', 'eyeRight'))).reshape(SIDE, SIDE, 3)


def cylinder(kit: fk.FaceKit, side: int, parts: tuple[str, ...] = ()) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The outermost places of the mean head's skin and parts at side^2 angles and heights, for `interpolate`: triangles [T, 3], at each place the number of one, and weights [side^2, 3]."""
    triangles = np.concatenate([kit.skin_triangles(), *(kit.part_triangles(part) for part in parts)])
    x, y, z = kit.neutral.astype(np.float64).T
    across = (np.arctan2(x, z) / ANGLE + 1) / 2 * side
    # What lies behind the axis would be torn across the seam.
    triangles = triangles[(z[triangles] > 0).all(1)]
    triangle, weights = rasterize(np.c_[across, (y - HEIGHTS[0]) / (HEIGHTS[1] - HEIGHTS[0]) * side, np.hypot(x, z)], triangles, side, side)
    if (triangle < 0).any():
        raise SystemExit('encoder: the mean head does not cover the region that is unwrapped')
    return triangles, triangle.ravel(), weights.reshape(-1, 3)


def upright(landmarks: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks [468, 3] in a crop's frame (sides at -.5 and .5, y down, z away) -> brought onto the mean face's [468, 3] by a similarity, metres; and the similarity that takes
    the mean face to them [3, 4] (y up, z to the viewer)."""
    points = landmarks * AXES
    scale, rotation, shift = similarity(points, mean)
    shape = scale * points @ rotation.T + shift
    scale, rotation, shift = similarity(mean, points)
    return shape, np.c_[scale * rotation, shift]


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
