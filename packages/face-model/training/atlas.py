"""The UV chart of the skin: one seamless, injective map of the whole skin sheet (a disk) onto a superellipse in the unit square.

Any embedding with convex boundary and positive weights is a bijection (Tutte 1963, Floater 1997). The weights are then changed step by step so that the
map's stretch approaches a wanted texel density (after Yoshizawa, Belyaev & Seidel 2004: a weight is divided by the stretch at the vertex it leads to), which keeps
them positive and so keeps the map one-to-one. The face is dense, the back of the head, the mouth bag and the sockets are not. Mirror symmetric: (u, v) <-> (1 - u, v).

    python atlas.py --data DATA        writes CACHE/atlas/atlas.npz: uv [14062, 2], tris [28068, 3]
    python atlas.py --only-fixture     packages/benchmarks/fixtures/chart.safetensors from it: where the generator's skin vertices lie on our chart, for those who render the generator itself
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from safetensors.numpy import save_file
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree
from tqdm import tqdm

import facekit as fk

MARGIN = .006       # of the unit square: texels of gutter around the chart


def wanted_density(neutral: np.ndarray) -> np.ndarray:
    """[14062] relative texels per millimetre."""
    density = np.full(fk.SKIN, .42)
    centre = np.array([0, -.005, .09])
    distance = np.linalg.norm((neutral[:fk.SKIN] - centre) * [1.05, .85, .8], axis=1)
    density += .58 * np.clip((.115 - distance) / .04, 0, 1)
    for start, stop, value in ((*fk.MOUTH_SOCKET, .30), (*fk.EYE_SOCKETS, .30)):
        density[start:stop] = value
    return density


def rim_of(triangles: np.ndarray) -> np.ndarray:
    """The boundary loop in order."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    keys = {tuple(e) for e in edges.tolist()}
    after = {a: b for a, b in keys if (b, a) not in keys}
    loop = [next(iter(after))]
    while (nxt := after[loop[-1]]) != loop[0]:
        loop.append(nxt)
    return np.array(loop)


def mirror_of(vertices: np.ndarray) -> np.ndarray:
    """Index of each vertex's mirror image in x."""
    return cKDTree(vertices).query(vertices * [-1, 1, 1])[1]


def embed(neutral: np.ndarray, triangles: np.ndarray, steps: int = 40) -> np.ndarray:
    n = fk.SKIN
    x, density = neutral[:n].astype(np.float64), wanted_density(neutral)
    edges = np.unique(np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1), axis=0)
    i, j = np.concatenate([edges, edges[:, ::-1]]).T
    weight = 1 / np.maximum(np.linalg.norm(x[i] - x[j], axis=1), 1e-5)
    rim = rim_of(triangles)
    # On the rim: front of the neck at the bottom, back of it at the top, left on the right; angle by position around the neck's axis.
    centre = x[rim].mean(0)
    angle = np.arctan2(-(x[rim, 2] - centre[2]) , x[rim, 0] - centre[0])
    order = np.argsort(angle)
    even = np.empty(len(rim))
    even[order] = np.linspace(-np.pi, np.pi, len(rim), endpoint=False)
    shift = np.angle(np.exp(1j * (angle - even)).mean())
    theta = even + shift
    direction = np.stack([np.cos(theta), -np.sin(theta)], 1)
    radius = (np.abs(direction) ** 4).sum(1) ** -.25
    uv = np.zeros((n, 2))
    uv[rim] = direction * radius[:, None]
    inner = np.setdiff1d(np.arange(n), rim)
    slot = np.full(n, -1)
    slot[inner] = np.arange(len(inner))
    best, best_energy = None, np.inf
    mirror = mirror_of(x)
    a, b, c = (x[triangles[:, k]] for k in range(3))
    area3 = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    rho = density[triangles].mean(1)
    for step in tqdm(range(steps), desc='atlas', mininterval=5):
        matrix = sp.csr_matrix((weight, (i, j)), shape=(n, n))
        laplace = (sp.diags(np.asarray(matrix.sum(1)).ravel()) - matrix).tocsr()
        uv[inner] = splu(laplace[inner][:, inner].tocsc()).solve(-(laplace[inner][:, rim] @ uv[rim]))
        half = (uv + uv[mirror] * [-1, 1]) / 2
        p, q, r = (half[triangles[:, k]] for k in range(3))
        e1, e2 = q - p, r - p
        area2 = (e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]) / 2
        flat = np.maximum(np.abs(area2), 1e-14)
        # Columns of the map from UV to 3-D; its singular values are the stretch.
        du = ((b - a) * e2[:, 1:] - (c - a) * e1[:, 1:]) / (2 * flat[:, None])
        dv = ((c - a) * e1[:, :1] - (b - a) * e2[:, :1]) / (2 * flat[:, None])
        sigma = np.sqrt(((du ** 2).sum(1) + (dv ** 2).sum(1)) / 2) * rho
        energy = np.sqrt((sigma ** 2 * area3 * rho ** 2).sum() / (area3 * rho ** 2).sum()) * np.sqrt(np.abs(area2).sum() / (area3 * rho ** 2).sum())
        flips = int((area2 * np.sign(np.median(area2)) <= 0).sum())
        if flips == 0 and energy < best_energy:
            best, best_energy = half.copy(), energy
        at_vertex = np.zeros(n)
        total = np.zeros(n)
        for k in range(3):
            np.add.at(at_vertex, triangles[:, k], sigma * area3)
            np.add.at(total, triangles[:, k], area3)
        stretch = at_vertex / total
        stretch /= np.exp(np.log(stretch).mean())
        weight = weight / stretch[j] ** .35
        if step % 5 == 0:
            tqdm.write(f'step {step}: stretch energy {energy:.4f}, flips {flips}')
    if best is None:
        raise SystemExit('atlas: no step gave a map without flipped triangles')
    scale = (.5 - MARGIN) / np.abs(best).max()
    return (best * scale + .5).astype(np.float32)


def write_fixture(uv: np.ndarray) -> None:
    """`uv` [14062, 2] in 65535ths of the chart's side."""
    path = Path(__file__).parents[2] / 'benchmarks' / 'fixtures' / 'chart.safetensors'
    save_file({'uv': np.round(uv * 65535).astype(np.uint16)}, path)
    print(f'{path}: {path.stat().st_size / 1000:.0f} kB')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data')
    parser.add_argument('--steps', type=int, default=40)
    parser.add_argument('--only-fixture', action='store_true')
    arguments = parser.parse_args()
    folder = fk.cache_dir() / 'atlas'
    if arguments.only_fixture:
        write_fixture(np.load(folder / 'atlas.npz')['uv'])
        raise SystemExit
    if not arguments.data:
        parser.error('--data is needed')
    kit = fk.FaceKit.load(arguments.data)
    triangles = kit.skin_triangles()
    folder.mkdir(exist_ok=True)
    uv = embed(kit.neutral, triangles, arguments.steps)
    np.savez(folder / 'atlas.npz', uv=uv, tris=triangles)
    print('wrote', folder / 'atlas.npz')
