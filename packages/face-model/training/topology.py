"""Our own meshes for drawing and export: a triangulation of the skin's chart, and the parts' meshes and textures.

The skin's vertices are blue noise on the surface (dense at lips and lids, sparse at the back of the head), mirror symmetric; their triangles are Delaunay in the chart,
then flipped until they are Delaunay in space where the chart allows it. No vertex is one of the training data's.

    python topology.py --data DATA      writes CACHE/atlas/topology.npz"""
from __future__ import annotations

import argparse

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial import Delaunay, cKDTree
from skimage import measure

import atlas
import facekit as fk
import painted
from distance import Mesh
from parts import EYE_CAP, MOUTH_PARTS, Parts, closed_components
from samples import Skin

CHECKS = 2000
NOSTRILS = [2, 97, 326, 98, 327, 75, 305, 60, 290, 20, 250]     # MediaPipe's points around the nose's base


def edge_lengths(skin: Skin) -> np.ndarray:
    """[V] wanted edge length, metres."""
    v = skin.neutral
    out = np.full(len(v), .0062)
    out[:fk.FACE] = .0042
    out[:fk.NARROW_FACE] = .0029
    out[slice(*fk.MOUTH_SOCKET)] = .0045
    out[slice(*fk.EYE_SOCKETS)] = .003
    nostrils = np.load(fk.cache_dir() / 'atlas' / 'landmarks.npz')['points468'][NOSTRILS]
    out[cKDTree(nostrils).query(v)[0] < .007] = .0014
    out[skin.lips] = .0018
    out[skin.lids] = .0013
    return out


def blue_noise(skin: Skin, chart: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """UV of surface points no two of which are nearer than the wanted edge length; right half, midline and their mirror images."""
    tris = skin.triangles[:len(skin.kit.skin_triangles())]
    mesh, wanted = Mesh(skin.neutral, tris), edge_lengths(skin)
    t, w = mesh.sample(500_000, rng, 1 / wanted[tris].mean(1) ** 2)
    at = lambda values: (values[tris[t]] * w[..., None]).sum(1)
    p, uv, r = at(skin.neutral), at(chart), at(wanted[:, None])[:, 0]
    keep = uv[:, 0] > .5
    p, uv, r = p[keep], uv[keep], r[keep] * .82
    # The rim and the midline come first: they are spaced along curves.
    rim = chart[atlas.rim_of(tris)]
    rim = rim[rim[:, 0] > .5 + 1e-4]
    middle = midline(skin, mesh, chart)
    fixed_uv = np.concatenate([rim, middle])
    fixed_p = np.concatenate([skin.neutral[atlas.rim_of(tris)][chart[atlas.rim_of(tris)][:, 0] > .5 + 1e-4], middle_points(middle, chart, skin, tris)])
    tree = cKDTree(p)
    alive = np.ones(len(p), bool)
    radius_at = wanted[cKDTree(skin.neutral).query(fixed_p)[1]] * .7
    for q, radius in zip(fixed_p, radius_at):
        alive[tree.query_ball_point(q, radius)] = False
    chosen = []
    for i in range(len(p)):
        if alive[i]:
            chosen.append(i)
            alive[tree.query_ball_point(p[i], r[i])] = False
    half = np.concatenate([rim, uv[chosen]])
    on_middle = np.concatenate([middle, chart[atlas.rim_of(tris)][np.abs(chart[atlas.rim_of(tris)][:, 0] - .5) <= 1e-4] * [0, 1] + [.5, 0]])
    return np.concatenate([half, half * [-1, 1] + [1, 0], on_middle])


def midline(skin: Skin, mesh: Mesh, chart: np.ndarray) -> np.ndarray:
    """UV along u = .5, spaced by the wanted edge length."""
    wanted = edge_lengths(skin)
    tris = mesh.triangles
    v = np.linspace(atlas.MARGIN, 1 - atlas.MARGIN, 6000)[1:-1]
    line = np.stack([np.full_like(v, .5), v], 1)
    p = middle_points(line, chart, skin, tris)
    length = wanted[cKDTree(skin.neutral).query(p)[1]]
    kept, travelled = [], 0.
    for i in range(1, len(p)):
        travelled += np.linalg.norm(p[i] - p[i - 1]) / length[i]
        if travelled >= 1:
            kept.append(i)
            travelled = 0.
    return line[kept[:-1]]


def middle_points(uv: np.ndarray, chart: np.ndarray, skin: Skin, tris: np.ndarray) -> np.ndarray:
    """Neutral positions at places of the chart, by the triangle that holds them."""
    flat = Mesh(np.concatenate([chart, np.zeros((len(chart), 1))], 1), tris)
    t, w, _ = flat.closest(np.concatenate([uv, np.zeros((len(uv), 1))], 1))
    return (skin.neutral[tris[t]] * w[..., None]).sum(1)


def triangulate(uv: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Delaunay in the chart, then edge flips toward Delaunay in space (opposite angles summing to more than pi), where the chart's quad is convex."""
    tris = Delaunay(uv).simplices
    e1, e2 = uv[tris[:, 1]] - uv[tris[:, 0]], uv[tris[:, 2]] - uv[tris[:, 0]]
    cross = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]
    tris = np.where((cross > 0)[:, None], tris[:, [0, 2, 1]], tris)           # v runs down: clockwise in (u, v) is outward
    tris = tris[np.abs(cross) > 1e-9]

    def angle(o, a, b):
        x, y = p[a] - p[o], p[b] - p[o]
        return np.arccos(np.clip((x @ y) / (np.linalg.norm(x) * np.linalg.norm(y) + 1e-20), -1, 1))

    def turn(a, b, c):
        return (uv[b, 0] - uv[a, 0]) * (uv[c, 1] - uv[a, 1]) - (uv[b, 1] - uv[a, 1]) * (uv[c, 0] - uv[a, 0])
    tris = tris.tolist()
    owner = {}
    for f, t in enumerate(tris):
        for k in range(3):
            owner[(t[k], t[(k + 1) % 3])] = f
    queue = [e for e in owner if e[0] < e[1]]
    flips = 0
    while queue and flips < 40 * len(tris):
        a, b = queue.pop()
        f, g = owner.get((a, b)), owner.get((b, a))
        if f is None or g is None:
            continue
        c = next(v for v in tris[f] if v not in (a, b))
        d = next(v for v in tris[g] if v not in (a, b))
        if angle(c, a, b) + angle(d, a, b) <= np.pi + 1e-6 or turn(a, d, c) > -1e-10 or turn(b, c, d) > -1e-10:
            continue
        # Triangles (a, b, c) and (b, a, d) become (a, d, c) and (d, b, c).
        for e in ((a, b), (b, a)):
            owner.pop(e)
        tris[f], tris[g] = [a, d, c], [d, b, c]
        for f2 in (f, g):
            t = tris[f2]
            for k in range(3):
                owner[(t[k], t[(k + 1) % 3])] = f2
        flips += 1
        queue += [(a, d), (d, b), (b, c), (c, a)]
    print('triangles', len(tris), 'flips', flips)
    return np.array(tris, np.uint32)


def eye_mesh(parts: Parts, eye: str, rings: int = 28, sectors: int = 40):
    """A cap of the eyeball about +Z: rings denser at the front. Template positions, chart, triangles."""
    theta = EYE_CAP * np.linspace(0, 1, rings + 1)[1:] ** 1.15
    phi = np.arange(sectors) * 2 * np.pi / sectors
    direction = np.stack([np.outer(np.sin(theta), np.cos(phi)), np.outer(np.sin(theta), np.sin(phi)), np.outer(np.cos(theta), np.ones(sectors))], -1).reshape(-1, 3)
    direction = np.concatenate([[[0, 0, 1]], direction]).astype(np.float32)
    centre, frame = getattr(parts, f'{eye}_centre').numpy(), getattr(parts, f'{eye}_frame').numpy()
    reach = np.full(len(direction), getattr(parts, f'{eye}_radius').item())
    for _ in range(60):                                                        # along the ray the distance is monotone: Newton with slope about one
        with torch.no_grad():
            reach -= parts.eye_distance(eye, torch.from_numpy(centre + direction @ frame.T * reach[:, None]).float()).numpy()
    angle = np.concatenate([[0], np.repeat(theta, sectors)])
    flat = np.maximum(np.linalg.norm(direction[:, :2], axis=1), 1e-9)
    uv = .5 + direction[:, :2] * [1, -1] * (.49 * angle / EYE_CAP / flat)[:, None]
    tris = [(0, 1 + k, 1 + (k + 1) % sectors) for k in range(sectors)]       # counter-clockwise from outside
    for r in range(rings - 1):
        for k in range(sectors):
            a, b = 1 + r * sectors + k, 1 + r * sectors + (k + 1) % sectors
            tris += [(a, a + sectors, b + sectors), (a, b + sectors, b)]
    return (centre + direction @ frame.T * reach[:, None]).astype(np.float32), uv.astype(np.float32), np.array(tris, np.uint32)


def part_mesh(parts: Parts, name: str, cell: float):
    """The zero set of a trained part by marching cubes, with the part's chart. Chart seams lie at the back, where the box ends."""
    box = getattr(parts, f'{name}_box').numpy()
    axes = [np.arange(box[0, k], box[1, k] + cell, cell) for k in range(3)]
    grid = torch.from_numpy(np.stack(np.meshgrid(*axes, indexing='ij'), -1).astype(np.float32))
    with torch.no_grad():
        f = torch.cat([parts.fields[name](g)[..., 0] for g in grid.reshape(-1, 3).split(65536)]).view(grid.shape[:3]).numpy()
    f = np.pad(f, 1, constant_values=cell)                                      # closed at the box
    v, t, _, _ = measure.marching_cubes(f, 0, spacing=(cell,) * 3, gradient_direction='ascent')
    v = (v + box[0] - cell).astype(np.float32)
    keep = np.unique(t)
    again = np.full(len(v), -1)
    again[keep] = np.arange(len(keep))
    with torch.no_grad():
        uv = parts.charts(torch.from_numpy(v), torch.zeros(100), torch.zeros(58))[:, 2 + MOUTH_PARTS.index(name)].numpy()
    a, b, c = (v[t[:, k]] for k in range(3))
    volume = (a * np.cross(b, c)).sum() / 6
    t = t if volume > 0 else t[:, ::-1]
    return v[keep], uv[keep], again[t].astype(np.uint32)


def tooth_mask(kit: fk.FaceKit, parts: Parts, name: str, size: int = 256) -> np.ndarray:
    """[size, size] 1 where the part's chart shows a tooth, 0 where it shows gums: by the nearest of the training pieces, seen from outside the arch."""
    pieces = closed_components(kit, name)
    teeth = [m for m in pieces if len(m.vertices) < 300]
    gums = [m for m in pieces if len(m.vertices) >= 300]
    rng = np.random.default_rng(0)
    mask, hit = np.zeros((size, size)), np.zeros((size, size))
    for meshes, value in ((gums, 0.), (teeth, 1.)):
        for m in meshes:
            t, w = m.sample(30000 if value else 200000, rng)
            p = (m.corners[t] * w[..., None]).sum(1).astype(np.float32)
            with torch.no_grad():
                uv = parts.charts(torch.from_numpy(p), torch.zeros(100), torch.zeros(58))[:, 2 + MOUTH_PARTS.index(name)].numpy()
            visible = np.min([o.signed_distance(p) for o in pieces if o is not m], 0) > 0
            x, y = np.clip((uv * size).astype(int), 0, size - 1)[visible].T
            np.add.at(mask, (y, x), value)
            np.add.at(hit, (y, x), 1)
    return gaussian_filter(mask, 1.2) / np.maximum(gaussian_filter(hit, 1.2), 1e-6)


def shipped(kit: fk.FaceKit, parts: Parts) -> dict[str, np.ndarray]:
    """Every tensor of topology.safetensors but the rig."""
    folder = fk.cache_dir() / 'atlas'
    stored, landmarks, regions = (np.load(folder / f'{n}.npz') for n in ('topology', 'landmarks', 'regions'))
    out = {k: stored[k] for k in stored.files}
    for name in fk.PARTS[1:]:
        if name in MOUTH_PARTS:
            positions, uv, triangles = part_mesh(parts, name, .0016 if name != 'tongue' else .0025)
            texture = painted.tongue_texture() if name == 'tongue' else painted.teeth_texture(tooth_mask(kit, parts, name))
        else:
            positions, uv, triangles = eye_mesh(parts, name)
            texture = painted.eye_texture()
        out |= {f'{name}.positions': positions, f'{name}.uv': uv, f'{name}.triangles': triangles, f'{name}.texture': texture}
        print(name, len(positions), 'vertices', len(triangles), 'triangles')
    out |= {'landmarks468.uv': landmarks['uv468'], 'landmarks68.uv': landmarks['uv68'], 'faceMask': regions['faceMask'], 'regions': regions['regions']}
    return out


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', required=True)
    arguments = parser.parse_args()
    kit = fk.FaceKit.load(arguments.data)
    skin = Skin.of(kit)
    rng = np.random.default_rng(2)
    chart = np.load(fk.cache_dir() / 'atlas' / 'atlas.npz')['uv'].astype(np.float64)
    tris = kit.skin_triangles()
    uv = blue_noise(skin, chart, rng)
    out = {'skin.uv': uv.astype(np.float32), 'skin.triangles': triangulate(uv, middle_points(uv, chart, skin, tris))}
    t, w = Mesh(skin.neutral, tris).sample(CHECKS, rng, (tris.max(1) < fk.FACE).astype(float))
    out |= {'check.triangle': tris[t].astype(np.uint32), 'check.weights': w.astype(np.float32), 'check.uv': (chart[tris[t]] * w[..., None]).sum(1).astype(np.float32)}
    np.savez(fk.cache_dir() / 'atlas' / 'topology.npz', **out)
    print('vertices', len(uv))
