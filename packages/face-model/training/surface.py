"""Small tools on triangle surfaces that the registration and the albedo share: closest points, edge paths, rasterising a chart, reading OBJ files."""
from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree


def read_obj(path: str | Path, group: str | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An OBJ file's positions [V, 3], texture coordinates [T, 2], triangles [F, 3] and their texture corners [F, 3]; only one `g` group if named."""
    vertices, texture, corners, current = [], [], [], None
    for line in Path(path).read_text().splitlines():
        word = line.split()
        if not word:
            continue
        if word[0] == 'v':
            vertices.append([float(x) for x in word[1:4]])
        elif word[0] == 'vt':
            texture.append([float(x) for x in word[1:3]])
        elif word[0] == 'g':
            current = word[1]
        elif word[0] == 'f' and group in (None, current):
            face = [[int(x) - 1 for x in w.split('/')[:2]] for w in word[1:]]
            corners += [[face[0], face[k], face[k + 1]] for k in range(1, len(face) - 1)]
    corners = np.array(corners)
    return np.array(vertices), np.array(texture), corners[..., 0], corners[..., 1]


def triangle_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-18)


@numba.njit(cache=True)
def _closest(points, normals, a, b, c, face_normals, candidates, cosine, triangle, weights, squared):
    """The nearest of each point's candidate triangles, by the regions of a triangle's plane (Ericson 2005, section 5.1.5)."""
    for i in range(len(points)):
        p = points[i]
        best = np.inf
        for t in candidates[i]:
            if normals[i] @ face_normals[t] < cosine:
                continue
            ab, ac, ap = b[t] - a[t], c[t] - a[t], p - a[t]
            d1, d2 = ab @ ap, ac @ ap
            bp, cp = p - b[t], p - c[t]
            d3, d4, d5, d6 = ab @ bp, ac @ bp, ab @ cp, ac @ cp
            va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
            if d1 <= 0 and d2 <= 0:
                v, w = 0., 0.
            elif d3 >= 0 and d4 <= d3:
                v, w = 1., 0.
            elif d6 >= 0 and d5 <= d6:
                v, w = 0., 1.
            elif vc <= 0 and d1 >= 0 and d3 <= 0:
                v, w = d1 / (d1 - d3), 0.
            elif vb <= 0 and d2 >= 0 and d6 <= 0:
                v, w = 0., d2 / (d2 - d6)
            elif va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
                w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
                v = 1 - w
            else:
                total = max(va + vb + vc, 1e-30)
                v, w = vb / total, vc / total
            r = ap - v * ab - w * ac
            distance = r @ r
            if distance < best:
                best = distance
                triangle[i] = t
                weights[i, 0], weights[i, 1], weights[i, 2] = 1 - v - w, v, w
                squared[i] = distance


def closest_points(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray, normals: np.ndarray | None = None, cosine: float = -2,
                   candidates: int = 32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest place on a surface for each of points [N, 3] -> triangle [N] (-1: none), barycentric weights [N, 3], distance [N].

    With `normals` [N, 3] only triangles count whose own normal makes at least `cosine` with it. Searches the triangles with the nearest centroids."""
    points = np.ascontiguousarray(points, np.float64)
    corners = [np.ascontiguousarray(vertices[triangles[:, k]], np.float64) for k in range(3)]
    near = cKDTree(sum(corners) / 3).query(points, min(candidates, len(triangles)))[1]
    triangle, weights, squared = np.full(len(points), -1), np.zeros((len(points), 3)), np.full(len(points), np.inf)
    normals = np.zeros_like(points) if normals is None else np.ascontiguousarray(normals, np.float64)
    _closest(points, normals, *corners, triangle_normals(vertices, triangles).astype(np.float64), near, cosine, triangle, weights, squared)
    return triangle, weights, np.sqrt(squared)


def interpolate(values: np.ndarray, triangles: np.ndarray, triangle: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Vertex values [V, C] at barycentric places -> [N, C]."""
    return np.einsum('nk,nkc->nc', weights, values[triangles[triangle]])


def edges_of(triangles: np.ndarray) -> np.ndarray:
    """[E, 2] unique undirected edges."""
    return np.unique(np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1), axis=0)


def laplacian(triangles: np.ndarray, count: int) -> sp.csr_matrix:
    """The graph Laplacian divided by the degree: (L x)_i = x_i - mean of its neighbours."""
    i, j = edges_of(triangles).T
    graph = sp.coo_matrix((np.ones(2 * len(i)), (np.r_[i, j], np.r_[j, i])), shape=(count, count)).tocsr()
    degree = np.maximum(np.asarray(graph.sum(1)).ravel(), 1)
    return (sp.identity(count) - sp.diags(1 / degree) @ graph).tocsr()


def edge_path(vertices: np.ndarray, triangles: np.ndarray, through: list[int]) -> np.ndarray:
    """The shortest path along edges through the given vertices in order -> vertex indices."""
    i, j = edges_of(triangles).T
    # A power above one prefers many short edges to few long ones, which keeps to the mesh's own loops around lids and lips.
    length = np.linalg.norm(vertices[i] - vertices[j], axis=1) ** 1.5
    graph = sp.coo_matrix((length, (i, j)), shape=(len(vertices), len(vertices))).tocsr()
    path = [through[0]]
    for start, stop in zip(through[:-1], through[1:]):
        before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)[1]
        leg = [stop]
        while leg[-1] != start:
            leg.append(before[leg[-1]])
        path += leg[-2::-1]
    return np.array(path)


def along(polyline: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Places on a polyline [K, 3] at shares 0..1 of its length -> [N, 3]."""
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(polyline, axis=0), axis=1))]
    return np.stack([np.interp(share * length[-1], length, polyline[:, k]) for k in range(polyline.shape[1])], 1)


def arc_shares(polyline: np.ndarray) -> np.ndarray:
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(polyline, axis=0), axis=1))]
    return length / length[-1]


@numba.njit(cache=True)
def _rasterize(places, triangles, triangle, weights, depth):
    height, width = triangle.shape
    for t in range(len(triangles)):
        a, b, c = places[triangles[t, 0]], places[triangles[t, 1]], places[triangles[t, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if abs(area) < 1e-12:
            continue
        x0, x1 = max(0, int(np.floor(min(a[0], b[0], c[0]) - .5))), min(width - 1, int(np.ceil(max(a[0], b[0], c[0]))))
        y0, y1 = max(0, int(np.floor(min(a[1], b[1], c[1]) - .5))), min(height - 1, int(np.ceil(max(a[1], b[1], c[1]))))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                px, py = x + .5, y + .5
                w0 = ((b[0] - px) * (c[1] - py) - (b[1] - py) * (c[0] - px)) / area
                w1 = ((c[0] - px) * (a[1] - py) - (c[1] - py) * (a[0] - px)) / area
                w2 = 1 - w0 - w1
                if w0 < -1e-9 or w1 < -1e-9 or w2 < -1e-9:
                    continue
                z = w0 * a[2] + w1 * b[2] + w2 * c[2]
                if z > depth[y, x]:
                    depth[y, x], triangle[y, x] = z, t
                    weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = w0, w1, w2


def rasterize(places: np.ndarray, triangles: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """What covers each pixel: places [V, 3] hold pixel x, pixel y and nearness (larger wins) -> triangle [H, W] (-1: none), weights [H, W, 3]."""
    triangle, weights, depth = np.full((height, width), -1), np.zeros((height, width, 3)), np.full((height, width), -np.inf)
    _rasterize(np.ascontiguousarray(places, np.float64), triangles, triangle, weights, depth)
    return triangle, weights


def rasterize_chart(uv: np.ndarray, triangles: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The triangle [S, S] and weights [S, S, 3] under each texel's centre of a UV chart."""
    return rasterize(np.c_[uv * size, np.zeros(len(uv))], triangles, size, size)
