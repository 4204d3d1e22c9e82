"""Portraits of the generator's own heads, for the encoder: posed, lit, dressed with hair, glasses and backgrounds made here, photographed, and looked at by the landmark
network that runs in the product.

    python portraits.py --data DATA --count 20000 --shard 0                CACHE/portraits/train-*.npz
    python portraits.py --data DATA --count 1500 --held-out                CACHE/portraits/held-out-*.npz: skins, light and codes that training never sees
    python portraits.py --data DATA --count 16 --sheet sheet.png           a contact sheet to look at, nothing else

The landmarks are those of `packages/landmarks/models/face-landmark.onnx` (build that package first), with the product's own cropping (packages/landmarks/src/crop.ts,
face-mesh.ts): where the network puts a point differs systematically from where the point is, and the encoder has to know that.
"""
from __future__ import annotations

import argparse
import io
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import onnxruntime
import torch
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, zoom
from tqdm import tqdm

import facekit as fk
from albedo import BAG, HELD_OUT, LEFT_OUT, MEAN_BROW, MEAN_LASHES, PRINCIPAL_SYMMETRIC, SIZE, SOCKET, even_light, fill, mixtures, shrink, to_linear, to_srgb, tones, usable
from encoder import CROP, CROP_MARGIN
from light import Sky, sh_basis
from painted import Chart, eye_texture, inner_shares
from parts import EYE_CAP, Parts
from prior import texture_prior
from surface import rasterize

CANVAS = 208           # side of a rendered window, pixels
CANVAS_MARGIN = 1.7    # its side over the face's extent
SKIN_SIZE, PAINT_SIZE = 256, 192
MESH_MARGIN, MESH_SIDE = 1.5, 192    # the landmark network's own
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
HAIR = np.array([[.012, .010, .009], [.03, .018, .011], [.06, .034, .018], [.13, .075, .035], [.34, .23, .11], [.30, .28, .26], [.16, .05, .02]])
MILD = ['browInnerUp', 'browOuterUp', 'browDown', 'eyeSquint', 'eyeWide', 'mouthFrown', 'mouthDimple', 'jawOpen', 'mouthFunnel', 'mouthPucker', 'noseSneer', 'mouthStretch',
        'mouthRollLower', 'mouthRollUpper', 'mouthLowerDown', 'mouthUpperUp', 'jawForward', 'cheekPuff']      # what may be added to a resting or smiling face
LANDMARKER = Path(__file__).parents[2] / 'landmarks' / 'models' / 'face-landmark.onnx'


# The product's cropping

def roi_from_mesh(points: np.ndarray, margin: float) -> tuple[float, float, float, float]:
    """(centre x, centre y, side, rotation) of the window that landmarks [468, 2 or 3] ask for: upright along the eyes, centred on their bounds in that frame."""
    dx, dy = points[LEFT_EYE_OUTER, :2] - points[RIGHT_EYE_OUTER, :2]
    rotation = math.atan2(dy, dx)
    cos, sin = math.cos(rotation), math.sin(rotation)
    along, down = points[:, 0] * cos + points[:, 1] * sin, points[:, 1] * cos - points[:, 0] * sin
    a, d = (along.min() + along.max()) / 2, (down.min() + down.max()) / 2
    return a * cos - d * sin, a * sin + d * cos, margin * max(np.ptp(along), np.ptp(down)), rotation


@numba.njit(cache=True, fastmath=True)
def crop_roi(image, cx, cy, size, rotation, side):
    """A window of [H, W, 3] u8 as [side, side, 3] float32, 0..255: 2x2 bilinear samples per pixel where it shrinks, edges repeated. For windows less than twice `side`."""
    height, width = image.shape[:2]
    taps = 2 if size > side else 1
    step = size / side / taps
    cos, sin = math.cos(rotation), math.sin(rotation)
    out = np.zeros((side, side, 3), np.float32)
    for row in range(side * taps):
        for column in range(side * taps):
            u, v = (column + .5) * step - size / 2, (row + .5) * step - size / 2
            x, y = cx + u * cos - v * sin - .5, cy + u * sin + v * cos - .5
            left, top = math.floor(x), math.floor(y)
            fx, fy = x - left, y - top
            x0, x1 = min(max(left, 0), width - 1), min(max(left + 1, 0), width - 1)
            y0, y1 = min(max(top, 0), height - 1), min(max(top + 1, 0), height - 1)
            for c in range(3):
                upper = image[y0, x0, c] * (1 - fx) + image[y0, x1, c] * fx
                lower = image[y1, x0, c] * (1 - fx) + image[y1, x1, c] * fx
                out[row // taps, column // taps, c] += (upper * (1 - fy) + lower * fy) / (taps * taps)
    return out


def to_window(points: np.ndarray, roi: tuple[float, float, float, float]) -> np.ndarray:
    """Pixels [468, 3] in a window's frame: the middle is 0, the sides are at -.5 and .5; z by the same scale."""
    cx, cy, size, rotation = roi
    cos, sin = math.cos(rotation), math.sin(rotation)
    x, y = points[:, 0] - cx, points[:, 1] - cy
    return (np.stack([x * cos + y * sin, y * cos - x * sin, points[:, 2]], 1) / size).astype(np.float32)


class Landmarker:
    def __init__(self, path: Path = LANDMARKER):
        if not path.is_file():
            raise SystemExit(f'{path} is missing. Build packages/landmarks first: `npm run build` in the repository.')
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])

    def place(self, image: np.ndarray, roi: tuple[float, float, float, float]) -> tuple[np.ndarray, float]:
        """Landmarks [468, 3] in pixels and the presence of a face 0..1, from one window of [H, W, 3] u8."""
        points, presence = self.session.run(None, {'image': crop_roi(image, *roi, MESH_SIDE)[None] / np.float32(255)})
        local = points.reshape(468, 3) / MESH_SIDE
        cx, cy, size, rotation = roi
        x, y = (local[:, 0] - .5) * size, (local[:, 1] - .5) * size
        cos, sin = math.cos(rotation), math.sin(rotation)
        return np.stack([cx + x * cos - y * sin, cy + x * sin + y * cos, local[:, 2] * size], 1), 1 / (1 + math.exp(-presence.item()))


# The head

@numba.njit(cache=True, fastmath=True)
def _normals(p, triangles):
    n = np.zeros_like(p)
    for t in range(len(triangles)):
        i, j, k = triangles[t]
        ux, uy, uz = p[j, 0] - p[i, 0], p[j, 1] - p[i, 1], p[j, 2] - p[i, 2]
        vx, vy, vz = p[k, 0] - p[i, 0], p[k, 1] - p[i, 1], p[k, 2] - p[i, 2]
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (i, j, k):
            n[v, 0] += x
            n[v, 1] += y
            n[v, 2] += z
    for v in range(len(n)):
        length = math.sqrt(n[v, 0] ** 2 + n[v, 1] ** 2 + n[v, 2] ** 2) + 1e-18
        n[v] /= length
    return n


@numba.njit(cache=True, fastmath=True)
def _read(image, u, v, out):
    """Bilinear lookup of [S, S, 3] at uv in 0..1, added to out[3]."""
    s = image.shape[0]
    x, y = min(max(u * s - .5, 0.), s - 1.001), min(max(v * s - .5, 0.), s - 1.001)
    i, j = int(x), int(y)
    fx, fy = x - i, y - j
    for c in range(3):
        out[c] += (image[j, i, c] * (1 - fx) + image[j, i + 1, c] * fx) * (1 - fy) + (image[j + 1, i, c] * (1 - fx) + image[j + 1, i + 1, c] * fx) * fy


@numba.njit(cache=True, fastmath=True)
def _shade(triangle, weights, triangles, normals, uv, kind, colour, occlusion, place, sunlit, skin_a, skin_b, share, paint, eyes, iris, light, sun, sun_colour, gloss, shine,
           hair_colour, hairline, wave, out):
    """Linear colours [H, W, 3] of the pixels that a head covers."""
    d, n, e = np.zeros(3), np.zeros(3), np.zeros(3)
    basis = np.zeros(9)
    for py in range(triangle.shape[0]):
        for px in range(triangle.shape[1]):
            t = triangle[py, px]
            if t < 0:
                continue
            n[:] = 0
            u, v, ao, lit, x, y, z = 0., 0., 0., 0., 0., 0., 0.
            d[:] = 0
            what = kind[triangles[t, 0]]
            for k in range(3):
                w, i = weights[py, px, k], triangles[t, k]
                for c in range(3):
                    n[c] += w * normals[i, c]
                    d[c] += w * colour[i, c]
                u += w * uv[i, 0]
                v += w * uv[i, 1]
                ao += w * occlusion[i]
                lit += w * sunlit[i]
                x += w * place[i, 0]
                y += w * place[i, 1]
                z += w * place[i, 2]
            n /= math.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2) + 1e-12
            g = gloss
            if what == 0:
                e[:] = 0
                _read(skin_a, u, v, e)
                for c in range(3):
                    d[c] = e[c] * share
                e[:] = 0
                _read(skin_b, u, v, e)
                for c in range(3):
                    d[c] += e[c] * (1 - share)
                _read(paint, u, v, d)
                for c in range(3):
                    d[c] = min(1., math.exp(-d[c]))
                # Hair: what lies above a wavy line over the forehead, falling back at the temples. Millimetres on the neutral.
                if hairline[0] < 200:
                    strand = math.sin(wave[0] * x + wave[1]) * .5 + math.sin(wave[2] * x + .3 * wave[0] * y + wave[3]) * .5
                    edge = hairline[0] - hairline[1] * (x / 60) ** 2 + hairline[2] * x / 60 + hairline[3] * strand
                    if z < 60:
                        edge = min(edge, hairline[4] + .9 * z)
                    h = min(max((y - edge) / 5 + .5, 0.), 1.)
                    for c in range(3):
                        d[c] += (hair_colour[c] * (1 + .25 * strand) - d[c]) * h
            elif what == 1:
                e[:] = 0
                _read(eyes, u, v, e)
                r = math.hypot(u - .5, v - .5)
                for c in range(3):
                    d[c] = e[c] * (iris[c] if r < .118 else 1.)
                g = 3 * gloss
            basis[0], basis[1], basis[2], basis[3] = .282095, .488603 * n[1], .488603 * n[2], .488603 * n[0]
            basis[4], basis[5], basis[6] = 1.092548 * n[0] * n[1], 1.092548 * n[1] * n[2], .315392 * (3 * n[2] * n[2] - 1)
            basis[7], basis[8] = 1.092548 * n[0] * n[2], .546274 * (n[0] * n[0] - n[1] * n[1])
            direct = max(0., n[0] * sun[0] + n[1] * sun[1] + n[2] * sun[2]) * lit
            hx, hy, hz = sun[0], sun[1], sun[2] + 1
            half = max(0., (n[0] * hx + n[1] * hy + n[2] * hz) / (math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9))
            spark = g * half ** shine * lit
            for c in range(3):
                ambient = 0.
                for k in range(9):
                    ambient += basis[k] * light[k, c]
                ambient = max(ambient, .02) * ao
                out[py, px, c] = d[c] * (ambient + direct * sun_colour[c]) + spark * (sun_colour[c] + .3 * ambient)


def rotation_of(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Camera from head: roll about the view axis, then pitch, then yaw about the head's own vertical."""
    cy, sy, cp, sp, cr, sr = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch), math.cos(roll), math.sin(roll)
    return np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]]) @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])


@dataclass
class Portrait:
    image: np.ndarray         # [CANVAS, CANVAS, 3] u8
    landmarks: np.ndarray     # [468, 3] the true ones, pixels; z away from the camera, from the head's middle, by the scale of x


class Studio:
    """Everything that portraits share: the mesh, the skins, the light."""

    def __init__(self, data: str, held_out: bool = False):
        self.kit = kit = fk.FaceKit.load(data)
        folder = fk.cache_dir() / 'atlas'
        self.names = {n: i for i, n in enumerate(kit.names)}
        self._mesh(np.load(folder / 'atlas.npz')['uv'])
        marks = np.load(folder / 'landmarks.npz')
        self.mark_corners, self.mark_weights = marks['triangle'], marks['weights']
        self._skins(data, held_out)
        self.skies = Sky.all_of(data, held_out)
        self.eyes = to_linear(eye_texture(128) / 255.)
        self.occlusion = self._occlusion()

    def _mesh(self, atlas_uv: np.ndarray) -> None:
        kit = self.kit
        self.parts = Parts(dict(np.load(fk.cache_dir() / 'runs' / 'part-transforms.npz')), kit.names)
        groups = [('skin', kit.skin_triangles()), *((p, kit.part_triangles(p)) for p in fk.PARTS[1:])]
        used = [np.arange(fk.SKIN)] + [np.unique(t) for _, t in groups[1:]]
        self.slices, vertices, triangles, start = {}, [], [], 0
        for (name, t), v in zip(groups, used):
            self.slices[name] = slice(start, start + len(v))
            triangles.append(start + np.searchsorted(v, t))
            vertices.append(v)
            start += len(v)
        self.vertices, self.triangles = np.concatenate(vertices), np.concatenate(triangles).astype(np.int32)
        self.neutral = kit.neutral[self.vertices].astype(np.float32)
        self.basis = np.ascontiguousarray(kit.basis[:, self.vertices].reshape(158, -1), np.float32)
        count = len(self.vertices)
        self.uv, self.kind, self.colour = np.zeros((count, 2)), np.full(count, 2, np.int8), np.zeros((count, 3))
        self.uv[:fk.SKIN], self.kind[:fk.SKIN] = atlas_uv, 0
        for e in ('eyeLeft', 'eyeRight'):
            q = self.parts.eye_local(e, torch.from_numpy(self.neutral[self.slices[e]])).numpy()
            flat = np.maximum(np.hypot(q[:, 0], q[:, 1]), 1e-9)
            angle = np.arctan2(flat, q[:, 2])
            self.uv[self.slices[e]] = .5 + q[:, :2] * [1, -1] * (.49 * np.minimum(angle / EYE_CAP, 1) / flat)[:, None]
            self.kind[self.slices[e]] = 1
        for p in ('teethUpper', 'teethLower', 'tongue'):
            v, s = self.vertices[self.slices[p]], self.slices[p]
            tooth = (v >= fk.RANGES['teeth'][0]) & (v < fk.RANGES['teeth'][1])
            shade = np.clip((self.neutral[s, 2] - .05) / .045, .12, 1) ** 1.5      # deep in the mouth it is dark
            self.colour[s] = np.where(tooth[:, None], [.56, .50, .40], [.30, .10, .09]) * shade[:, None]
        self.place = 1000. * self.neutral.astype(np.float64)

    def _skins(self, data: str, held_out: bool) -> None:
        chart = Chart(data, SIZE)
        stored = np.load(fk.cache_dir() / 'atlas' / 'skins.npz')
        train = usable(stored['names'], LEFT_OUT + HELD_OUT)
        every = usable(stored['names'])
        chosen = [k for k in every if k not in train] if held_out else train
        logs = np.log(np.clip(stored['skins'][chosen].astype(np.float32), .004, 1))
        mirrored = logs[:, :, ::-1]
        even = even_light((logs + mirrored) / 2, chart)
        self.tones = tones(even, chart)
        mouth, eye = inner_shares(chart)
        outer = ((1 - mouth) * (1 - eye))[..., None]
        self.details = shrink(-(even + (logs - mirrored) / 2 - self.tones[:, None, None]) * outer, SKIN_SIZE)      # densities, tone apart
        stored = np.load(fk.cache_dir() / 'atlas' / 'colour' / 'basis.npz')
        names = [str(n) for n in stored['names']]
        first, last = len(stored['principal']), len(stored['principal']) + len(stored['fine'])
        self.paint_names = names[first:]
        self.fine, self.fine_colour = stored['fine'].astype(np.float32).reshape(last - first, -1), stored['fineColour']
        self.coarse, self.coarse_colour = stored['coarse'].astype(np.float32).reshape(len(names) - last, -1), stored['coarseColour']
        self.coarse_size = stored['coarse'].shape[-1]
        self.prior = texture_prior(names, PRINCIPAL_SYMMETRIC)
        self.first = first
        self.outer = shrink(fill(outer, chart.on), PAINT_SIZE)[..., 0].astype(np.float32)
        inner = mouth[..., None] * BAG + eye[..., None] * SOCKET
        self.inner = shrink(inner, PAINT_SIZE).astype(np.float32)

    def paint(self, rng: np.random.Generator, tone: np.ndarray) -> np.ndarray:
        """Density [PAINT_SIZE, PAINT_SIZE, 3] of one person's tone, brows, lips, beard, wrinkles."""
        p = self.prior
        k = rng.choice(len(p['shares']), p=p['shares'] / p['shares'].sum())
        code = p['means'][k] + p['sigmas'] * rng.standard_normal(len(p['sigmas'])).clip(-2, 2) + rng.standard_normal(p['factors'].shape[1]).clip(-2, 2) @ p['factors'][k]
        code = code[self.first:].astype(np.float32)
        for name, units in (('browDensity', MEAN_BROW), ('lashesUpper', MEAN_LASHES), ('lashesLower', MEAN_LASHES)):
            code[self.paint_names.index(name)] += units
        fine, coarse = code[:len(self.fine)], code[len(self.fine):]
        low = ((coarse[:, None] * self.coarse_colour).T @ self.coarse).reshape(3, self.coarse_size, self.coarse_size)
        scale = PAINT_SIZE // self.coarse_size
        low = torch.nn.functional.interpolate(torch.from_numpy(np.float32(low))[None], scale_factor=scale, mode='bilinear', align_corners=False)[0].numpy()
        high = ((fine[:, None] * self.fine_colour).T @ self.fine).reshape(3, PAINT_SIZE, PAINT_SIZE)
        return np.ascontiguousarray((high + low).transpose(1, 2, 0)) - np.float32(tone) * self.outer[..., None] + self.inner

    def visible(self, positions: np.ndarray, direction: np.ndarray, size: int = 128, slack: float = .004) -> np.ndarray:
        """[V] 0..1: which of the posed vertices the light from a direction reaches, by a shadow map."""
        z = direction / np.linalg.norm(direction)
        x = np.cross([0, 1, 0], z) if abs(z[1]) < .9 else np.cross([1, 0, 0], z)
        x /= np.linalg.norm(x)
        local = positions @ np.stack([x, np.cross(z, x), z], 1)
        low, span = local[:, :2].min(0) - .002, (np.ptp(local[:, :2], axis=0)).max() + .004
        places = np.c_[(local[:, :2] - low) / span * size, local[:, 2]]
        facing = front(places, self.triangles, -1)
        triangle, weights = rasterize(places, facing, size, size)
        depth = np.where(triangle >= 0, (places[facing[np.maximum(triangle, 0)], 2] * weights).sum(-1), -1)
        i, j = (np.clip(places[:, k].astype(int), 0, size - 1) for k in (1, 0))
        return np.clip(1 - (depth[i, j] - local[:, 2] - slack) / .003, 0, 1)

    def _occlusion(self, count: int = 80) -> np.ndarray:
        """[V] the share of a uniform sky that the neutral's vertices see."""
        k = np.arange(count) + .5
        z, turn = 1 - 2 * k / count, math.pi * (1 + 5 ** .5) * k
        directions = np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], 1)
        normals = _normals(self.neutral.astype(np.float64), self.triangles)
        seen, total = np.zeros(len(normals)), np.full(len(normals), 1e-6)
        for d in directions:
            cosine = np.maximum(normals @ d, 0)
            seen += cosine * self.visible(self.neutral, d, 256)
            total += cosine
        occlusion = seen / total
        occlusion[fk.SKIN:] = np.maximum(occlusion[fk.SKIN:], .6)     # teeth and eyes have their shade in their colours
        return .15 + .85 * occlusion

    def codes(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """[count, 158]: half of the faces as people look into cameras, the others anything that the generator can do."""
        codes = self.kit.random_codes(count, rng)
        for i in np.flatnonzero(rng.random(count) < .6):
            row = codes[i, 100:]
            row[:] = 0

            def put(name, value):      # nearly the same left and right
                for n in (name, name + '_L', name + '_R'):
                    if n in self.names:
                        row[self.names[n]] = np.clip(value * (1 + .12 * rng.uniform(-1, 1)), 0, 1)
            put('eyeBlink', rng.uniform(0, .3))
            put('mouthPress', rng.uniform(0, .4))
            put('mouthShrugLower', rng.uniform(0, .15))
            if rng.random() < .4:
                smile = rng.uniform(.1, .8)
                put('mouthSmile', smile)
                put('cheekSquint', smile * rng.uniform(0, .7))
                put('jawOpen', smile * rng.uniform(0, .3))
                put('mouthUpperUp', smile * rng.uniform(0, .5))
            for name in rng.choice(MILD, rng.integers(0, 3), replace=False):
                put(name, rng.uniform(0, .6))
            for side in rng.choice(['Up', 'Down', 'In', 'Out'], rng.integers(0, 2)):
                put('eyeLook' + side, rng.uniform(0, .5))
        return codes

    def pose(self, codes: np.ndarray) -> np.ndarray:
        """[B, 158] -> [B, V, 3]"""
        posed = (self.neutral.reshape(1, -1) + codes @ self.basis).reshape(len(codes), -1, 3)
        for b, c in enumerate(torch.from_numpy(codes)):
            moved = self.parts.transforms(c[:100], c[100:]).numpy()
            for k, e in enumerate(('eyeLeft', 'eyeRight')):
                posed[b, self.slices[e]] = self.neutral[self.slices[e]] @ moved[k, :, :3].T + moved[k, :, 3]
        return posed

    def photograph(self, head: np.ndarray, rng: np.random.Generator) -> Portrait:
        """One posed head [V, 3] before a random camera."""
        side = lambda sigma, most: float(np.clip(sigma * rng.standard_normal(), -most, most))
        yaw = math.radians(rng.uniform(-45, 45) if rng.random() < .3 else side(15, 45))
        rotation = rotation_of(yaw, math.radians(side(9, 25)), math.radians(side(8, 25)))
        distance = math.exp(rng.uniform(math.log(.45), math.log(2.5)))
        off = distance * np.tan(np.radians([side(6, 16), side(6, 16)]))
        cam = head @ rotation.T + [off[0], off[1], -distance]
        flat = lambda p: np.stack([p[:, 0], -p[:, 1]], 1) / -p[:, 2:]
        marks3 = (cam[self.mark_corners] * self.mark_weights[..., None]).sum(1)
        marks = flat(marks3)
        low, high = marks.min(0), marks.max(0)
        focal = CANVAS / (CANVAS_MARGIN * (high - low).max())
        origin = CANVAS / 2 - focal * (low + high) / 2 + rng.uniform(-.03, .03, 2) * CANVAS
        project = lambda p: focal * flat(p) + origin
        places = np.c_[project(cam), -1 / cam[:, 2]]
        facing = front(places, self.triangles, 1)
        triangle, weights = rasterize(places, facing, CANVAS, CANVAS)
        normals = _normals(cam, self.triangles)

        sky = self.skies[rng.integers(len(self.skies))]
        turn = rotation_of(rng.uniform(0, 2 * math.pi), side(.3, .8), side(.3, .8))
        light = sky.irradiance(turn)
        frontal = max((sh_basis(np.array([[0, .2, .98]])) @ light).mean(), .02)
        light /= frontal
        if rng.random() < .3:
            light[1:] *= rng.uniform(.2, 1)        # a softer box
        sun, sun_colour, sunlit = np.array([0, .5, .8]), np.zeros(3), np.ones(len(head))
        if rng.random() < .45:
            sun = np.array([side(.9, 2), rng.uniform(-.2, 1.4), rng.uniform(.25, 1.2)])
            sun /= np.linalg.norm(sun)
            amount = rng.uniform(.2, 1.6)
            sun_colour = amount * np.exp([side(.1, .2), 0, side(.15, .3)])
            light *= 1 / (1 + .6 * amount)
            if rng.random() < .6:
                sunlit = self.visible(cam, sun)
        exposure = math.exp(side(.3, .7)) * 1.05
        tint = exposure * np.exp([side(.06, .15), 0, side(.08, .2)])

        mix, tone = mixtures(self.details, self.tones, 1, rng)
        a, b = np.argsort(-mix[0])[:2]
        hair = HAIR[rng.integers(len(HAIR))] * math.exp(side(.4, .8))
        style = rng.random()
        hairline = np.array([999., 0, 0, 0, 0])      # none
        if style > .2:
            height = rng.uniform(52, 80) if style < .4 else rng.uniform(82, 108)      # with or without a fringe
            hairline = np.array([height, rng.uniform(5, 35), side(8, 18), rng.uniform(.5, 5), rng.uniform(-60, 50)])
        wave = np.array([rng.uniform(.1, .5), rng.uniform(0, 6), rng.uniform(.8, 2.5), rng.uniform(0, 6)])
        linear = self._background(rng, hair, hairline[0] < 200, lambda p: project(np.asarray(p, float) @ rotation.T + [off[0], off[1], -distance]), focal / distance)
        covered = np.zeros((CANVAS, CANVAS, 3))
        paint = self.paint(rng, tone[0])
        iris = np.exp(rng.uniform([-.3, -.3, -.3], [1.3, 1.6, 2.])) if rng.random() < .6 else np.ones(3)      # over the texture's dark brown
        _shade(triangle, weights, facing, normals, self.uv, self.kind, self.colour, self.occlusion, self.place, sunlit, self.details[a], self.details[b], mix[0, a], paint, self.eyes,
               iris, light, sun, sun_colour, rng.uniform(0, .12), rng.uniform(6, 40), hair, hairline, wave, covered)
        inside = triangle >= 0
        linear[inside] = covered[inside]
        image = Image.fromarray((to_srgb(linear * tint) * 255).astype(np.uint8))
        self._occlude(image, rng, lambda p: project(np.asarray(p, float) @ rotation.T + [off[0], off[1], -distance]), yaw, focal / distance)
        depth = -(marks3[:, 2] + distance) * focal / distance
        return Portrait(photo_faults(np.asarray(image), rng), np.c_[project(marks3), depth])

    def _background(self, rng, hair, has_hair, project, scale) -> np.ndarray:
        """Linear [CANVAS, CANVAS, 3]: clouds of two colours and a few soft shapes; before it a body and the hair that stands out from the head. `scale`: pixels per metre."""
        size = CANVAS
        cells = int(rng.choice([2, 3, 6, 12]))
        field = zoom(rng.random((cells + 1, cells + 1)), size / (cells + 1), order=1, mode='nearest', grid_mode=True)
        grey = rng.random((2, 1))
        one, two = (grey + rng.uniform(0, .6) * (rng.random((2, 3)) - grey)) ** 2
        linear = one + (two - one) * field[..., None]
        canvas = Image.fromarray((to_srgb(linear) * 255).astype(np.uint8))
        draw = ImageDraw.Draw(canvas)
        for _ in range(rng.integers(0, 6)):
            x, y, w, h = rng.uniform(0, size, 4)
            getattr(draw, 'rectangle' if rng.random() < .5 else 'ellipse')([x - w / 2, y - h / 2, x + w / 2, y + h / 2], fill=tuple(int(c) for c in rng.integers(0, 256, 3)))
        small = canvas.resize((52, 52), Image.BILINEAR) if rng.random() < .7 else canvas
        canvas = small.resize((size, size), Image.BICUBIC)
        draw = ImageDraw.Draw(canvas)

        def ellipse(centre, rx, ry, colour):
            (x, y), = project([centre])
            draw.ellipse([x - rx * scale, y - ry * scale, x + rx * scale, y + ry * scale], fill=tuple(int(255 * c) for c in to_srgb(np.clip(colour, 0, 1))))
        if has_hair:
            if rng.random() < .4:      # long
                ellipse((0, -.05, -.06), rng.uniform(.085, .12), rng.uniform(.12, .2), hair * .8)
            ellipse((0, .04, -.02), rng.uniform(.08, .1), rng.uniform(.115, .135), hair)
        ellipse((0, -.32, -.03), rng.uniform(.18, .25), rng.uniform(.12, .16), rng.random(3) ** 2)
        return to_linear(np.asarray(canvas) / 255.)

    def _occlude(self, image: Image.Image, rng, project, yaw: float, scale: float) -> None:
        """Glasses, and things that get before a face."""
        draw = ImageDraw.Draw(image, 'RGBA')
        if rng.random() < .25:
            ink = tuple(int(c) for c in rng.integers(0, 90, 3)) + (255,)
            width = max(1, round(rng.uniform(.001, .005) * scale))
            rx, ry, y0, z0 = rng.uniform(.022, .028), rng.uniform(.015, .024), rng.uniform(.026, .034), rng.uniform(.108, .116)
            power = rng.choice([2., 4.])
            turn = np.linspace(0, 2 * np.pi, 25)
            c, s = np.cos(turn), np.sin(turn)
            super_ = lambda v: np.sign(v) * np.abs(v) ** (2 / power)
            glass = int(rng.choice([0, 25, 200], p=[.6, .3, .1]))
            for sign in (-1, 1):
                x = sign * .034 + rx * super_(c)
                ring = project(np.stack([x, y0 + ry * super_(s), z0 - 3. * x ** 2], 1))
                if glass:
                    draw.polygon([tuple(p) for p in ring], fill=((10, 12, 14, glass) if glass > 100 else (200, 210, 220, glass)))
                draw.line([tuple(p) for p in ring], fill=ink, width=width)
                if sign * yaw < .25:
                    draw.line([tuple(p) for p in project([(sign * (.034 + rx), y0 + .004, z0 - 3. * (.034 + rx) ** 2), (sign * .078, y0, .0)])], fill=ink, width=width)
            draw.line([tuple(p) for p in project([(-.034 + rx, y0 + .004, z0), (.034 - rx, y0 + .004, z0)])], fill=ink, width=width)
        if rng.random() < .12:
            size = image.size[0]
            x, y = size * rng.uniform([.1, .35], [.9, .95])
            w, h = size * rng.uniform(.06, .22, 2)
            colour = tuple(int(255 * c) for c in to_srgb(np.exp(self.tones[rng.integers(len(self.tones))]) if rng.random() < .5 else rng.random(3) ** 2))
            getattr(draw, 'ellipse' if rng.random() < .6 else 'rectangle')([x - w, y - h, x + w, y + h], fill=(*colour, 255))


@numba.njit(cache=True)
def front(places, triangles, sign):
    """The triangles that face the viewer, on a picture whose y points down (1) or up (-1)."""
    kept, count = np.empty_like(triangles), 0
    for t in range(len(triangles)):
        i, j, k = triangles[t]
        if sign * ((places[j, 0] - places[i, 0]) * (places[k, 1] - places[i, 1]) - (places[j, 1] - places[i, 1]) * (places[k, 0] - places[i, 0])) < 0:
            kept[count] = triangles[t]
            count += 1
    return kept[:count]


def photo_faults(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What cameras and networks do to a picture: little resolution, blur, noise, JPEG."""
    if rng.random() < .25:
        side = int(rng.uniform(.3, .9) * CANVAS)
        image = np.asarray(Image.fromarray(image).resize((side, side), Image.BOX).resize((CANVAS, CANVAS), Image.BICUBIC))
    elif rng.random() < .5:
        sigma = rng.uniform(.3, 1.3)
        image = gaussian_filter(image, (sigma, sigma, 0), truncate=2.5)
    if rng.random() < .5:
        noise = rng.uniform(1, 9) * rng.standard_normal(image.shape, np.float32)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < .6:
        file = io.BytesIO()
        Image.fromarray(image).save(file, 'JPEG', quality=int(rng.uniform(35, 95)))
        image = np.asarray(Image.open(file))
    return image


def detect(landmarker: Landmarker, portrait: Portrait, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """What the landmark network finds, from a window about as good as a detector's: landmarks [468, 3], presence."""
    cx, cy, size, rotation = roi_from_mesh(portrait.landmarks, MESH_MARGIN)
    roi = cx + size * .03 * rng.standard_normal(), cy + size * .03 * rng.standard_normal(), size * math.exp(.06 * rng.standard_normal()), rotation + .05 * rng.standard_normal()
    points, _ = landmarker.place(portrait.image, roi)
    return landmarker.place(portrait.image, roi_from_mesh(points, MESH_MARGIN))


def produce(studio: Studio, landmarker: Landmarker, count: int, rng: np.random.Generator, batch: int = 32):
    """Yields (codes [158], portrait, landmarks [468, 3], presence)."""
    made = 0
    while made < count:
        codes = studio.codes(min(batch, count - made), rng)
        for c, head in zip(codes, studio.pose(codes)):
            portrait = studio.photograph(head.astype(np.float64), rng)
            yield c, portrait, *detect(landmarker, portrait, rng)
            made += 1


def contact_sheet(studio: Studio, landmarker: Landmarker, count: int, rng: np.random.Generator, path: str) -> None:
    """Portraits with the landmarks found (green) and true (red), the encoder's crop below each."""
    tiles = []
    for _, portrait, points, presence in produce(studio, landmarker, count, rng):
        scale = 2
        tile = Image.fromarray(portrait.image).resize((scale * CANVAS, scale * CANVAS), Image.BICUBIC)
        marked = tile.copy()
        draw = ImageDraw.Draw(marked)
        for p, colour in ((portrait.landmarks, (255, 0, 0)), (points, (0, 255, 0))):
            for x, y in scale * p[:, :2]:
                draw.point([(x, y), (x + 1, y)], fill=colour)
        crop = Image.fromarray(crop_roi(portrait.image, *roi_from_mesh(points, CROP_MARGIN), CROP).astype(np.uint8)).resize((208, 208))
        both = Image.new('RGB', (scale * CANVAS, 2 * scale * CANVAS))
        both.paste(tile, (0, 0))
        both.paste(marked, (0, scale * CANVAS))
        both.paste(crop.resize((120, 120)), (0, 0))
        tiles.append(both)
    columns = min(8, len(tiles))
    sheet = Image.new('RGB', (columns * tiles[0].width, -(-len(tiles) // columns) * tiles[0].height))
    for k, tile in enumerate(tiles):
        sheet.paste(tile, (k % columns * tile.width, k // columns * tile.height))
    sheet.save(path)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('--count', type=int, default=20000)
    parser.add_argument('--held-out', action='store_true')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--per-file', type=int, default=1000)
    parser.add_argument('--minutes', type=float, default=1e9, help='stop after the file that is being written then')
    parser.add_argument('--sheet', help='write a contact sheet here instead')
    a = parser.parse_args()
    torch.set_num_threads(1)
    kind = 'held-out' if a.held_out else 'train'
    studio, landmarker = Studio(a.data, a.held_out), Landmarker()
    if a.sheet:
        contact_sheet(studio, landmarker, a.count, np.random.default_rng(a.seed), a.sheet)
        raise SystemExit
    folder = fk.cache_dir() / 'portraits'
    folder.mkdir(exist_ok=True)
    began = time.time()
    for file in range(-(-a.count // a.per_file)):
        path = folder / f'{kind}-{a.seed}-{file:03d}.npz'
        if path.exists():
            continue
        if time.time() - began > 60 * a.minutes:
            break
        rng = np.random.default_rng([a.held_out, a.seed, file])
        rows = {k: [] for k in ('codes', 'image', 'landmarks')}
        for codes, portrait, points, presence in tqdm(produce(studio, landmarker, min(a.per_file, a.count - file * a.per_file), rng), desc=path.stem, mininterval=20):
            if presence < .5:
                continue
            roi = roi_from_mesh(points, CROP_MARGIN)
            crop = crop_roi(portrait.image, *roi, CROP).round().astype(np.uint8)
            for key, value in zip(rows, (codes, crop, to_window(points, roi))):
                rows[key].append(value)
        np.savez(path.with_suffix('.part.npz'), **{k: np.array(v) for k, v in rows.items()})
        path.with_suffix('.part.npz').replace(path)
