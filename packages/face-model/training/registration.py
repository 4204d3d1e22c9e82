"""Ties other people's meshes to the atlas: MediaPipe's 468 points, and the MakeHuman head whose UVs the skins use.

Both are fitted to FaceKit's neutral in the same way: hand-chosen correspondences carry the mesh over by a similarity and a smooth (biharmonic) warp, then
non-rigid ICP draws it onto the surface with less and less stiffness (after Amberg, Romdhani & Vetter 2007, with a Laplacian of the displacements as stiffness). Lids and lips
are contours: they are matched by arc length along FaceKit's own edge loops, so that they end up exactly there. All results are mirror symmetric.

    python registration.py landmarks --data DATA    CACHE/atlas/landmarks.npz: triangle [468], weights [468, 3], points468 [468, 3] m, uv468 [468, 2], uv68 [68, 2]
    python registration.py makehuman --data DATA    CACHE/atlas/makehuman.npz: vertices [V, 3] m fitted, triangles, triangle_uv [F, 3, 2] in the skins' layout
    python registration.py regions   --data DATA    CACHE/atlas/regions.npz: regions [512, 512] u8, faceMask [512, 512] u8
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import binary_dilation, gaussian_filter1d
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree
from skimage.draw import polygon2mask
from skimage.measure import points_in_poly
from tqdm import tqdm

import facekit as fk
from atlas import mirror_of
from surface import (along, arc_shares, closest_points, edge_path, edges_of, interpolate, laplacian, rasterize_chart, read_obj, triangle_normals)

# MediaPipe's contours, each from the subject's right to the subject's left. Sources: face_mesh_connections.py of github google-ai-edge/mediapipe.
LIPS_OUTER_UPPER = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291]
LIPS_OUTER_LOWER = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291]
LIPS_INNER_UPPER = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308]
LIPS_INNER_LOWER = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]
EYE_LEFT_UPPER = [362, 398, 384, 385, 386, 387, 388, 466, 263]
EYE_LEFT_LOWER = [362, 382, 381, 380, 374, 373, 390, 249, 263]
BROW_LEFT_UPPER = [336, 296, 334, 293, 300]
BROW_LEFT_LOWER = [285, 295, 282, 283, 276]
FACE_OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
             152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
LANDMARKS_68 = [162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389, 71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326,
                305, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87]

# MakeHuman's base mesh: waypoints of the same lines, from the subject's right to left (the eye: from the nose outward), read off renders and a skin's painted borders.
MAKEHUMAN_LINES = {'outerUpper': [466, 7220, 7216, 11953, 7207, 7173, 7182], 'outerLower': [492, 7241, 7235, 7232, 7182],
                   'innerUpper': [474, 7229, 7227, 11964, 7225, 7191], 'innerLower': [523, 7264, 7265, 7266, 7191],
                   'eyeUpper': [6851, 6844, 6841, 6785, 6784, 6790, 6805], 'eyeLower': [6851, 6837, 6828, 6825, 6820, 6805]}
MAKEHUMAN_UNDER_NOSE = 343
MAKEHUMAN_EAR, MAKEHUMAN_EAR_RADIUS = np.array([0, .709, .046]), .034
MAKEHUMAN_NECK = .56    # metres in MakeHuman's frame: what lies lower is body

# FaceKit's left ear as seen from the side: an outline through these vertices.
EAR_OUTLINE = [7280, 6822, 7394, 7285, 6862, 7239, 6836, 6837, 7180, 7243, 6811, 7124, 7115, 7134, 7151, 7095, 7329, 6785]

# Where the detector itself puts points of the nose on renders of the neutral, against where the canonical mesh's geometry puts them: millimetres outward from the midline
# and upward, mean of six renders (spread .2 mm). Elsewhere inside the face it agrees with the geometry to its own noise (median 1.8 mm).
DETECTOR_SHIFT = {168: (0, 1.9), 6: (0, 3.0), 197: (0, 3.4), 195: (0, 3.4), 5: (0, 3.1), 4: (0, 3.2), 1: (0, .7), 2: (0, 1.5), 327: (2.6, 1.8), 358: (2.0, 2.0)}

REGIONS = {'other': 0, 'lips': 1, 'brows': 2, 'scalp': 3, 'ears': 4, 'neck': 5, 'mouthBag': 6, 'eyeSockets': 7, 'face': 8}
SIZE = 512
OVAL_GROWTH = 1.04


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, rotation, translation that carry source [N, 3] onto target in the least-squares sense (Umeyama 1991)."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = (s * sign).sum() / (a ** 2).sum()
    return scale, rotation, target.mean(0) - scale * rotation @ source.mean(0)


def warp(source: np.ndarray, anchors: np.ndarray, targets: np.ndarray, smoothing: float = 0) -> np.ndarray:
    """Moves points [N, 3] by the smooth field that carries anchors [K, 3] to targets: similarity, then a biharmonic spline on what is left."""
    scale, rotation, shift = similarity(anchors, targets)
    place = lambda p: scale * p @ rotation.T + shift
    spline = RBFInterpolator(place(anchors), targets - place(anchors), kernel='linear', smoothing=smoothing)
    return place(source) + spline(place(source))


class Skin:
    """FaceKit's neutral skin: the target of both fits. `outer` leaves out the mouth socket and the eye sockets, which nothing may be drawn onto."""

    def __init__(self, data: str):
        kit = fk.FaceKit.load(data)
        self.vertices = kit.neutral[:fk.SKIN].astype(np.float64)
        self.triangles = kit.skin_triangles()
        self.outer = self.triangles[self.triangles.max(1) < fk.MOUTH_SOCKET[0]]
        self.mirror = mirror_of(self.vertices)
        self.landmarks = json.loads((Path(data) / 'facekit' / 'vertex_indices.json').read_text())['idx_to_landmark_verts']

    def loop(self, *landmarks: int) -> np.ndarray:
        """Positions along the edge path through some of FaceKit's 68 landmarks."""
        face = self.triangles[self.triangles.max(1) < fk.FACE]
        path = self.vertices[edge_path(self.vertices, face, [self.landmarks[k] for k in landmarks])]
        # An edge path that changes rows has steps; an odd extension about the ends lets the filter leave them in place.
        even = along(path, np.linspace(0, 1, 97))
        padded = np.concatenate([2 * even[:1] - even[24:0:-1], even, 2 * even[-1:] - even[-2:-26:-1]])
        return gaussian_filter1d(padded, 4, axis=0)[24:-24]

    def contours(self) -> dict[str, np.ndarray]:
        """The lines that an image shows as edges, from the subject's right to left (the eye: from the nose outward), each as a polyline with its middle known by symmetry."""
        return {'outerUpper': self.loop(48, 49, 50, 51, 52, 53, 54), 'outerLower': self.loop(48, 59, 58, 57, 56, 55, 54),
                'innerUpper': self.loop(60, 61, 62, 63, 64), 'innerLower': self.loop(60, 67, 66, 65, 64),
                'eyeUpper': self.loop(42, 43, 44, 45), 'eyeLower': self.loop(42, 47, 46, 45)}

    def midline(self, low: float, high: float) -> np.ndarray:
        """Vertices on the outer face's plane of symmetry between two heights, by height."""
        on = np.flatnonzero((np.abs(self.vertices[:fk.FACE, 0]) < 1e-4) & (self.vertices[:fk.FACE, 2] > .05))
        on = on[(self.vertices[on, 1] > low) & (self.vertices[on, 1] < high)]
        return self.vertices[on[np.argsort(self.vertices[on, 1])]]


def nonrigid_icp(vertices: np.ndarray, triangles: np.ndarray, skin: Skin, pinned: dict[int, np.ndarray], stiffness: list[float], active: np.ndarray, mirror: np.ndarray,
                 title: str, reach: float = .012, cosine: float = .5) -> np.ndarray:
    """Draws a mesh onto the skin's outer surface; `pinned` vertices have known places. Only `active` vertices are drawn, the others follow. -> [V, 3]"""
    n = len(vertices)
    smooth = laplacian(triangles, n)
    smooth = (smooth.T @ smooth).tocsc()
    pins = np.array(sorted(pinned))
    places = np.array([pinned[k] for k in pins])
    x = vertices.copy()
    for s in tqdm(stiffness, desc=title, mininterval=5):
        for _ in range(3):
            normal = np.zeros_like(x)
            for k in range(3):
                np.add.at(normal, triangles[:, k], triangle_normals(x, triangles))
            normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
            triangle, weights, distance = closest_points(x, skin.vertices, skin.outer, normal, cosine)
            weight = (active & (triangle >= 0) & (distance < reach)).astype(float)
            weight[pins] = 100
            target = interpolate(skin.vertices, skin.outer, np.maximum(triangle, 0), weights)
            target[pins] = places
            system = s * smooth + sp.diags(weight + 1e-9)
            # The displacement is what should be smooth, not the shape: the reference is the warped start, refreshed each round.
            d = spsolve(system.tocsc(), weight[:, None] * (target - x))
            x = x + d
            x = (x + x[mirror] * [-1, 1, 1]) / 2
    return x


def contour_pins(contours: dict[str, np.ndarray], mesh: np.ndarray, lines: dict[str, list[int]]) -> dict[int, np.ndarray]:
    """Places for a mesh's contour vertices: at the same share of arc length between the ends (and, for lips, the middle) as on the mesh itself."""
    pins = {}
    for name, ids in lines.items():
        target = contours[name]
        if name.startswith('eye'):
            spans = [(ids, target)]
        else:
            middle, half = len(ids) // 2, int(np.argmin(np.abs(target[:, 0])))
            spans = [(ids[:middle + 1], target[:half + 1]), (ids[middle:], target[half:])]
        for part, line in spans:
            pins |= dict(zip(part, along(line, arc_shares(mesh[part]))))
    return pins


def fit_mediapipe(data: str) -> tuple[Skin, np.ndarray]:
    """MediaPipe's canonical face on the neutral -> the skin, [468, 3] metres, on the surface."""
    skin = Skin(data)
    mesh, _, triangles, _ = read_obj(Path(data) / 'mediapipe' / 'canonical_face_model.obj')
    distance, mirror = cKDTree(mesh).query(mesh * [-1, 1, 1])
    if distance.max() > .2:
        raise SystemExit('canonical_face_model.obj is not mirror symmetric: it should be the 468-point mesh in centimetres.')
    mesh = (mesh + mesh[mirror] * [-1, 1, 1]) / 2
    lines = {'outerUpper': LIPS_OUTER_UPPER, 'outerLower': LIPS_OUTER_LOWER, 'innerUpper': LIPS_INNER_UPPER, 'innerLower': LIPS_INNER_LOWER,
             'eyeUpper': EYE_LEFT_UPPER, 'eyeLower': EYE_LEFT_LOWER}
    pins = contour_pins(skin.contours(), mesh, lines)
    for ids in (EYE_LEFT_UPPER, EYE_LEFT_LOWER):
        pins |= {int(mirror[k]): pins[k] * [-1, 1, 1] for k in ids}
    nose = skin.midline(-.02, .06)
    pins[4] = nose[np.argmax(nose[:, 2])]
    pins[2] = skin.vertices[skin.landmarks[33]]
    pins[152] = skin.vertices[skin.landmarks[8]]
    anchors = np.array(sorted(pins))
    x = warp(mesh, mesh[anchors], np.array([pins[k] for k in anchors]), smoothing=0)
    x = nonrigid_icp(x, triangles, skin, pins, [30, 10, 3, 1, .3], np.ones(len(x), bool), mirror, 'mediapipe', reach=.02)
    # Then the nose's points move to where the detector sees them; contours, chin and oval stay.
    still = [k for k in (*pins, *FACE_OVAL) if k not in DETECTOR_SHIFT]
    moved = [m for k in DETECTOR_SHIFT for m in {k, int(mirror[k])}]
    shift = np.array([(*(DETECTOR_SHIFT.get(k) or DETECTOR_SHIFT[int(mirror[k])]), 0) for k in moved]) / 1000
    shift[:, 0] *= np.sign(np.round(x[moved, 0], 6))
    field = RBFInterpolator(x[[*moved, *still]], np.concatenate([shift, np.zeros((len(still), 3))]), kernel='linear')
    return skin, x + field(x)


def landmarks(data: str) -> None:
    skin, x = fit_mediapipe(data)
    triangle, weights, distance = closest_points(x, skin.vertices, skin.outer)
    points = interpolate(skin.vertices, skin.outer, triangle, weights)
    folder = fk.cache_dir() / 'atlas'
    uv = np.load(folder / 'atlas.npz')['uv'].astype(np.float64)
    uv468 = interpolate(uv, skin.outer, triangle, weights)
    mesh = read_obj(Path(data) / 'mediapipe' / 'canonical_face_model.obj')[0]
    mirror = cKDTree(mesh).query(mesh * [-1, 1, 1])[1]
    uv468 = (uv468 + (uv468[mirror] * [-1, 1] + [1, 0])) / 2
    np.savez(folder / 'landmarks.npz', triangle=skin.outer[triangle], weights=weights, points468=points, uv468=uv468.astype(np.float32), uv68=uv468[LANDMARKS_68].astype(np.float32))
    print(f'distance to the surface: median {1000 * np.median(distance):.2f} mm, p95 {1000 * np.percentile(distance, 95):.2f} mm')


def makehuman_head(data: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The head of MakeHuman's body mesh -> vertices [V, 3] metres, triangles [F, 3] (V numbered as in the file), triangle_uv [F, 3, 2] with v down."""
    vertices, texture, triangles, corners = read_obj(Path(data) / 'makehuman' / 'base.obj', 'body')
    vertices = vertices / 10
    head = vertices[triangles, 1].min(1) > MAKEHUMAN_NECK
    return vertices, triangles[head], texture[corners[head]] * [1, -1] + [0, 1]


def inside_of(loop: np.ndarray, triangles: np.ndarray, count: int, outside: int) -> np.ndarray:
    """Vertices that a closed loop of vertices cuts off from the vertex `outside` -> [V] bool."""
    i, j = edges_of(triangles).T
    keep = ~(np.isin(i, loop) | np.isin(j, loop))
    component = connected_components(sp.coo_matrix((np.ones(keep.sum()), (i[keep], j[keep])), shape=(count, count)), directed=False)[1]
    inside = component != component[outside]
    inside[loop] = False
    return inside


def makehuman(data: str) -> None:
    skin = Skin(data)
    vertices, triangles, triangle_uv = makehuman_head(data)
    used = np.unique(triangles)
    slot = np.full(len(vertices), -1)
    slot[used] = np.arange(len(used))
    mesh, triangles = vertices[used], slot[triangles]
    distance, mirror = cKDTree(mesh).query(mesh * [-1, 1, 1])
    if distance.max() > .002:
        raise SystemExit('base.obj is not mirror symmetric: it should be MakeHuman\'s base mesh in decimetres.')
    paths = {name: edge_path(mesh, triangles, list(slot[ids])) for name, ids in MAKEHUMAN_LINES.items()}
    tip = int(np.argmax(mesh[:, 2] - 100 * np.abs(mesh[:, 0]) - 10 * np.abs(mesh[:, 1] - mesh[slot[MAKEHUMAN_UNDER_NOSE], 1] - .015)))
    removed = np.zeros(len(mesh), bool)
    for upper, lower in (('eyeUpper', 'eyeLower'), ('innerUpper', 'innerLower')):
        loop = np.r_[paths[upper], paths[lower]]
        removed |= inside_of(np.r_[loop, mirror[loop]], triangles, len(mesh), tip)
    outer = ~removed[triangles].any(1)
    contours = skin.contours()
    pins = {}
    for name, path in paths.items():
        target = contours[name] if name.startswith('eye') else contours[name][int(np.argmin(np.abs(contours[name][:, 0]))):]
        pins |= dict(zip(path, along(target, arc_shares(mesh[path]))))
    pins[int(slot[MAKEHUMAN_UNDER_NOSE])] = skin.vertices[skin.landmarks[33]]
    nose = skin.midline(-.02, .06)
    pins[tip] = nose[np.argmax(nose[:, 2])]
    pins |= {int(mirror[k]): p * [-1, 1, 1] for k, p in pins.items()}
    anchors = np.array(sorted(pins))
    x = warp(mesh, mesh[anchors], np.array([pins[k] for k in anchors]))
    # Ears differ too much for closest points and their painted shadows would not fit: they are cut off, and the albedo fills them from around.
    outer &= ~(np.linalg.norm(mesh[triangles].mean(1) * [0, 1, 1] - MAKEHUMAN_EAR, axis=1) < MAKEHUMAN_EAR_RADIUS) | (np.abs(mesh[triangles, 0].mean(1)) < .05)
    active = np.isin(np.arange(len(mesh)), triangles[outer])
    x = nonrigid_icp(x, triangles[outer], skin, pins, [100, 30, 10, 3, 1, .3], active, mirror, 'makehuman', reach=.03)
    folder = fk.cache_dir() / 'atlas'
    np.savez(folder / 'makehuman.npz', vertices=x.astype(np.float32), triangles=triangles[outer], triangle_uv=triangle_uv[outer].astype(np.float32))
    report('MakeHuman to FaceKit', x[active], skin.vertices, skin.outer)
    # Nostrils and the inside of the lips have nothing in common; they lie more than 3 mm away and are not counted.
    face = skin.vertices[:fk.NARROW_FACE]
    near = closest_points(face, x, triangles[outer])[2] < .003
    report(f'FaceKit face to MakeHuman ({100 * near.mean():.0f} % of it)', face[near], x, triangles[outer])


def filled(uv: np.ndarray) -> np.ndarray:
    """Texels inside a closed line of the chart [K, 2] -> [SIZE, SIZE] bool."""
    return polygon2mask((SIZE, SIZE), uv[:, ::-1] * SIZE - .5)


def symmetric(mask: np.ndarray) -> np.ndarray:
    return mask | mask[:, ::-1]


def regions(data: str) -> None:
    """Labels of the chart's texels and the face mask. Needs `landmarks`."""
    skin = Skin(data)
    folder = fk.cache_dir() / 'atlas'
    uv = np.load(folder / 'atlas.npz')['uv'].astype(np.float64)
    mesh_uv = np.load(folder / 'landmarks.npz')['uv468'].astype(np.float64)
    triangle, weights = rasterize_chart(uv, skin.triangles, SIZE)
    place = np.einsum('hwk,hwkc->hwc', weights, skin.vertices[skin.triangles[triangle]])
    x, y, z = np.abs(place[..., 0]), place[..., 1], place[..., 2]
    on_chart = triangle >= 0
    first = skin.triangles[triangle].max(-1)
    bag = on_chart & (first >= fk.MOUTH_SOCKET[0]) & (first < fk.MOUTH_SOCKET[1])
    sockets = on_chart & (first >= fk.EYE_SOCKETS[0])
    outline = uv_line(skin, uv, np.concatenate([skin.contours()['outerUpper'], skin.contours()['outerLower'][::-1]]))
    lips = symmetric(filled(outline)) & ~bag
    brow = filled(mesh_uv[BROW_LEFT_UPPER + BROW_LEFT_LOWER[::-1]])
    brows = symmetric(binary_dilation(brow, iterations=2))
    ear = np.c_[skin.vertices[EAR_OUTLINE, 2], skin.vertices[EAR_OUTLINE, 1]]
    side = points_in_poly(np.c_[z.ravel(), y.ravel()], ear).reshape(SIZE, SIZE)
    ears = on_chart & side & (x > .065)
    oval = mesh_uv[FACE_OVAL]
    oval = (oval - oval.mean(0)) * OVAL_GROWTH + oval.mean(0)
    face = symmetric(filled(oval)) & on_chart & ~bag & ~sockets & ~ears
    neck = on_chart & ~face & ~ears & (y < -.05 - .35 * np.clip(z - .02, 0, .1))
    scalp = on_chart & ~face & ~ears & ~neck & ((y > .085) | (y > .055 + .25 * (.04 - z)) | (z < -.005))
    result = np.zeros((SIZE, SIZE), np.uint8)
    for name, mask in (('face', face), ('brows', brows), ('lips', lips), ('ears', ears), ('neck', neck), ('scalp', scalp), ('mouthBag', bag), ('eyeSockets', sockets)):
        result[symmetric(mask)] = REGIONS[name]
    mask = np.where(np.isin(result, [REGIONS[k] for k in ('face', 'brows', 'lips')]), 255, 0).astype(np.uint8)
    np.savez(folder / 'regions.npz', regions=result, faceMask=mask)
    oval_texels = symmetric(filled(mesh_uv[FACE_OVAL])) & on_chart & ~bag & ~sockets
    print(f'the mask covers {100 * (mask[oval_texels] > 0).mean():.1f} % of the detected oval; mirror symmetric: {(result == result[:, ::-1]).all()}')


def uv_line(skin: Skin, uv: np.ndarray, line: np.ndarray) -> np.ndarray:
    """A polyline near the surface [K, 3] -> its places on the chart [K, 2]."""
    triangle, weights, _ = closest_points(line, skin.vertices, skin.outer)
    return interpolate(uv, skin.outer, triangle, weights)


def report(title: str, points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> None:
    distance = 1000 * closest_points(points, vertices, triangles)[2]
    print(f'{title}: distance median {np.median(distance):.2f} mm, p95 {np.percentile(distance, 95):.2f} mm')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('step', choices=['landmarks', 'makehuman', 'regions'])
    parser.add_argument('--data', required=True)
    arguments = parser.parse_args()
    globals()[arguments.step](arguments.data)
