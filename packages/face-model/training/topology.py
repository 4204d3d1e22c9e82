"""Our own meshes for drawing and export: a triangulation of the skin's chart, and the parts' meshes and textures.

The skin's vertices are blue noise on the surface (dense at lips and lids, sparse at the back of the head), mirror symmetric; their triangles are Delaunay in the chart,
then flipped until they are Delaunay in space where the chart allows it. No vertex is one of the training data's.

    python topology.py --data DATA      writes CACHE/atlas/topology.npz"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from scipy.ndimage import gaussian_filter
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from skimage import measure

import albedo
import atlas
import facekit as fk
import painted
from distance import Mesh, boundary_loops
from parts import EYE_CAP, MOUTH_PARTS, Parts, closed_components
from prior import texture_prior
from samples import Skin

CHECKS = 2000
NOSTRILS = [2, 97, 326, 98, 327, 75, 305, 60, 290, 20, 250]     # MediaPipe's points around the nose's base


def edge_lengths(skin: Skin) -> np.ndarray:
    """[14062] wanted edge length, metres."""
    v = skin.neutral[:fk.SKIN]
    out = np.full(len(v), .0062)
    out[:fk.FACE] = .0042
    out[:fk.NARROW_FACE] = .0029
    out[slice(*fk.MOUTH_SOCKET)] = .0045
    out[slice(*fk.EYE_SOCKETS)] = .003
    nostrils = np.load(fk.cache_dir() / 'atlas' / 'landmarks.npz')['points468'][NOSTRILS]
    out[cKDTree(nostrils).query(v)[0] < .007] = .0014
    out[skin.lips[:fk.SKIN]] = .0018
    out[skin.lids[:fk.SKIN]] = .0013
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
    loop = atlas.rim_of(tris)
    rim = np.stack([chart[loop], (chart[loop] + chart[np.roll(loop, -1)]) / 2], 1).reshape(-1, 2)
    on_both = np.abs(rim[:, 0] - .5) <= 1e-4
    rim_middle = rim[on_both] * [0, 1] + [.5, 0]
    rim = rim[(rim[:, 0] > .5) & ~on_both]
    middle = midline(skin, mesh, chart)
    fixed_p = middle_points(np.concatenate([rim, middle]), chart, skin, tris)
    tree = cKDTree(p)
    alive = np.ones(len(p), bool)
    # Cells of the rim's own seeds must cover the rim, or the dual would end on inner seeds, raggedly.
    radius_at = wanted[cKDTree(skin.neutral[:fk.SKIN]).query(fixed_p)[1]] * np.r_[np.full(len(rim), 1.), np.full(len(middle), .7)]
    for q, radius in zip(fixed_p, radius_at):
        alive[tree.query_ball_point(q, radius)] = False
    chosen = []
    for i in range(len(p)):
        if alive[i]:
            chosen.append(i)
            alive[tree.query_ball_point(p[i], r[i])] = False
    half = np.concatenate([rim, uv[chosen]])
    return np.concatenate([half, half * [-1, 1] + [1, 0], middle, rim_middle])


def midline(skin: Skin, mesh: Mesh, chart: np.ndarray) -> np.ndarray:
    """UV along u = .5, spaced by the wanted edge length."""
    wanted = edge_lengths(skin)
    tris = mesh.triangles
    v = np.linspace(atlas.MARGIN, 1 - atlas.MARGIN, 6000)[1:-1]
    line = np.stack([np.full_like(v, .5), v], 1)
    p = middle_points(line, chart, skin, tris)
    length = wanted[cKDTree(skin.neutral[:fk.SKIN]).query(p)[1]]
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


def refine(vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts every triangle into four by its edges' midpoints; `vertices` may hold any columns."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1)
    unique, inverse = np.unique(edges, axis=0, return_inverse=True)
    middle = len(vertices) + inverse.reshape(3, -1).T
    a, b, c = triangles.T
    ab, bc, ca = middle.T
    new = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    return np.concatenate([vertices, vertices[unique].mean(1)]), new


def geodesic_delaunay(seed_places: np.ndarray, places: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The dual of the seeds' Voronoi cells on a fine mesh: (chosen fine vertices [V], triangles [F, 3]).

    A Delaunay triangulation of the chart was tried first; where the chart stretches 10 : 1 (lips, nostrils) its neighbours lie millimetres apart, and edge flips did not
    mend that. Cells grow along the surface (Dijkstra from all seeds at once), so neighbours are neighbours on the skin, and lips that touch do not meet."""
    seeds = np.unique(cKDTree(places).query(seed_places)[1])
    edges = np.unique(np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1), axis=0)
    length = np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1)
    graph = sp.coo_matrix((length, edges.T), shape=(len(places),) * 2).tocsr()
    _, _, source = dijkstra(graph, directed=False, indices=seeds, min_only=True, return_predecessors=True)
    slot = np.full(len(places), -1)
    slot[seeds] = np.arange(len(seeds))
    corner = slot[source[triangles]]
    corner = corner[(corner[:, 0] != corner[:, 1]) & (corner[:, 1] != corner[:, 2]) & (corner[:, 2] != corner[:, 0])]
    first = np.argmin(corner, 1)
    turned = np.take_along_axis(corner, (first[:, None] + np.arange(3)) % 3, 1)
    return seeds, np.unique(turned, axis=0)


def flip_slivers(triangles: np.ndarray, places: np.ndarray, uv: np.ndarray, thin: float = .08) -> np.ndarray:
    """Triangles lower than `thin` of their longest edge give it to their neighbour, where that makes both less thin and neither turns over in the chart. Nearly collinear corners make normals of any
    direction, which shading shows as specks."""
    triangles = triangles.astype(np.int64)
    low = lambda t: np.linalg.norm(np.cross(places[t[1]] - places[t[0]], places[t[2]] - places[t[0]])) / max(np.sum((places[t[k]] - places[t[k - 1]]) ** 2) for k in range(3))
    area = lambda t: np.linalg.det(uv[t[1:]] - uv[t[0]])
    for k in range(len(triangles)):
        own = low(triangles[k])
        if own >= thin:
            continue
        edge = max(range(3), key=lambda i: np.linalg.norm(places[triangles[k, i]] - places[triangles[k, i - 2]]))
        a, b, apex = triangles[k, edge], triangles[k, edge - 2], triangles[k, edge - 1]
        others = [n for n in np.flatnonzero((triangles == a).any(1) & (triangles == b).any(1)) if n != k]
        if not others:
            continue
        far = next(v for v in triangles[others[0]] if v not in (a, b))
        new = np.array([[apex, a, far], [far, b, apex]])
        if min(map(low, new)) > own and all(np.sign(area(t)) == np.sign(area(triangles[k])) for t in new):
            triangles[[k, others[0]]] = new
    return triangles


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
    out |= {'landmarks468.uv': detected_places(landmarks['uv468']), 'landmarks68.uv': landmarks['uv68'], 'faceMask': regions['faceMask'], 'regions': regions['regions']}
    return out | texture_prior_tensors()


def detected_places(uv: np.ndarray) -> np.ndarray:
    """Where the landmark network puts its points on the average of synthetic portraits, which is millimetres from where its canonical mesh has them [468, 2]. `calibrate-landmarks.ts` of benchmarks measures it."""
    places = load_file(Path(__file__).parent / 'landmark-places.safetensors')['uv468']
    if places.shape != uv.shape or np.abs(places - uv).max() > .1:
        raise SystemExit('landmark-places.safetensors is of another chart: run calibrate:landmarks of packages/benchmarks again')
    return places


def texture_prior_tensors() -> dict[str, np.ndarray]:
    """The distribution of texture codes of the basis in the cache."""
    names = [str(n) for n in np.load(fk.cache_dir() / 'atlas' / 'colour' / 'basis.npz')['names']]
    return {f'texturePrior.{k}': v for k, v in texture_prior(names, albedo.PRINCIPAL_SYMMETRIC).items()}


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', required=True)
    arguments = parser.parse_args()
    kit = fk.FaceKit.load(arguments.data)
    skin = Skin.of(kit)
    rng = np.random.default_rng(2)
    chart = np.load(fk.cache_dir() / 'atlas' / 'atlas.npz')['uv'].astype(np.float64)
    tris = kit.skin_triangles()
    wanted = blue_noise(skin, chart, rng)
    fine, cut = np.concatenate([skin.neutral[:fk.SKIN], chart], 1), tris
    for _ in range(2):
        fine, cut = refine(fine, cut)
    chosen, faces = geodesic_delaunay(middle_points(wanted, chart, skin, tris), fine[:, :3], cut)
    uv = fine[chosen, 3:]
    faces = flip_slivers(faces, fine[chosen, :3], uv)
    loops = boundary_loops(faces)
    used = len(np.unique(faces))
    edges = len(np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1), axis=0))
    print(f'vertices {len(uv)} used {used} triangles {len(faces)} rims {len(loops)} Euler number {used - edges + len(faces)}')
    out = {'skin.uv': uv.astype(np.float32), 'skin.triangles': faces.astype(np.uint32)}
    t, w = Mesh(skin.neutral, tris).sample(CHECKS, rng, (tris.max(1) < fk.FACE).astype(float))
    out |= {'check.triangle': tris[t].astype(np.uint32), 'check.weights': w.astype(np.float32), 'check.uv': (chart[tris[t]] * w[..., None]).sum(1).astype(np.float32)}
    np.savez(fk.cache_dir() / 'atlas' / 'topology.npz', **out)
