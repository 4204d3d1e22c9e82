"""Exact closest points on a triangle mesh, by a bounding-volume tree. Signs come from angle-weighted normals (facekit.vertex_normals)."""
from __future__ import annotations

import numpy as np
from numba import njit, prange

import facekit as fk

LEAF = 4


@njit(cache=True)
def _build(lo, hi, centre):
    n = len(centre)
    order = np.arange(n)
    nodes = 2 * n
    box_lo, box_hi = np.empty((nodes, 3)), np.empty((nodes, 3))
    left, first, count = np.full(nodes, -1), np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    stack = [(0, 0, n)]
    used = 1
    while len(stack) > 0:
        node, start, stop = stack.pop()
        for k in range(3):
            a, b = np.inf, -np.inf
            for i in range(start, stop):
                a, b = min(a, lo[order[i], k]), max(b, hi[order[i], k])
            box_lo[node, k], box_hi[node, k] = a, b
        first[node], count[node] = start, stop - start
        if stop - start > LEAF:
            extent = box_hi[node] - box_lo[node]
            axis = np.argmax(extent)
            part = order[start:stop]
            order[start:stop] = part[np.argsort(centre[part, axis])]
            middle = (start + stop) // 2
            left[node] = used
            stack.append((used, start, middle))
            stack.append((used + 1, middle, stop))
            used += 2
    return order, box_lo[:used], box_hi[:used], left[:used], first[:used], count[:used]


@njit(cache=True)
def _closest_on_triangle(p, a, b, c):
    """Barycentric weights of the closest point (Ericson 2005, section 5.1.5)."""
    ab, ac, ap = b - a, c - a, p - a
    d1, d2 = np.dot(ab, ap), np.dot(ac, ap)
    if d1 <= 0 and d2 <= 0:
        return 1.0, 0.0, 0.0
    bp = p - b
    d3, d4 = np.dot(ab, bp), np.dot(ac, bp)
    if d3 >= 0 and d4 <= d3:
        return 0.0, 1.0, 0.0
    vc = d1 * d4 - d3 * d2
    if vc <= 0 and d1 >= 0 and d3 <= 0:
        v = d1 / (d1 - d3)
        return 1 - v, v, 0.0
    cp = p - c
    d5, d6 = np.dot(ab, cp), np.dot(ac, cp)
    if d6 >= 0 and d5 <= d6:
        return 0.0, 0.0, 1.0
    vb = d5 * d2 - d1 * d6
    if vb <= 0 and d2 >= 0 and d6 <= 0:
        w = d2 / (d2 - d6)
        return 1 - w, 0.0, w
    va = d3 * d6 - d5 * d4
    if va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        return 0.0, 1 - w, w
    s = 1 / (va + vb + vc)
    return 1 - (vb + vc) * s, vb * s, vc * s


@njit(cache=True, parallel=True)
def _query(points, tri, order, box_lo, box_hi, left, first, count, normal, against, out_t, out_w, out_d):
    for i in prange(len(points)):
        p = points[i]
        best, t_best = np.inf, -1
        w0, w1, w2 = 0.0, 0.0, 0.0
        stack = np.empty(128, np.int64)
        stack[0], top = 0, 1
        while top > 0:
            top -= 1
            node = stack[top]
            d = 0.0
            for k in range(3):
                e = max(box_lo[node, k] - p[k], 0.0, p[k] - box_hi[node, k])
                d += e * e
            if d >= best:
                continue
            if left[node] < 0:
                for j in range(first[node], first[node] + count[node]):
                    t = order[j]
                    if against.shape[0] > 0 and np.dot(normal[t], against[i]) > -.2:
                        continue
                    a, b, c = _closest_on_triangle(p, tri[t, 0], tri[t, 1], tri[t, 2])
                    q = p - (a * tri[t, 0] + b * tri[t, 1] + c * tri[t, 2])
                    e = np.dot(q, q)
                    if e < best:
                        best, t_best, w0, w1, w2 = e, t, a, b, c
            else:
                l = left[node]
                # Nearer child last, so that it is opened first.
                m0 = (box_lo[l] + box_hi[l]) / 2 - p
                m1 = (box_lo[l + 1] + box_hi[l + 1]) / 2 - p
                near_first = np.dot(m0, m0) < np.dot(m1, m1)
                stack[top], stack[top + 1] = (l + 1, l) if near_first else (l, l + 1)
                top += 2
        out_t[i], out_d[i] = t_best, np.sqrt(best)
        out_w[i, 0], out_w[i, 1], out_w[i, 2] = w0, w1, w2


class Mesh:
    """A posed triangle mesh to ask for closest points and signed distances."""

    def __init__(self, vertices: np.ndarray, triangles: np.ndarray):
        self.vertices, self.triangles = np.asarray(vertices, np.float64), triangles
        self.corners = self.vertices[triangles]
        self.vertex_normal = fk.vertex_normals(self.vertices, triangles).astype(np.float64)
        n = np.cross(self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0])
        self.normal = n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-18)
        self.tree = _build(self.corners.min(1), self.corners.max(1), self.corners.mean(1))

    def closest(self, points: np.ndarray, against: np.ndarray | None = None):
        """(triangle [N], barycentric [N, 3], distance [N]). With `against` [N, 3], only triangles that face the other way count (-1 where there is none)."""
        points = np.ascontiguousarray(points, np.float64)
        t, w, d = np.empty(len(points), np.int64), np.empty((len(points), 3)), np.empty(len(points))
        _query(points, self.corners, *self.tree, self.normal, np.zeros((0, 3)) if against is None else np.ascontiguousarray(against, np.float64), t, w, d)
        return t, w, d

    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        t, w, d = self.closest(points)
        foot = (self.corners[t] * w[..., None]).sum(1)
        normal = (self.vertex_normal[self.triangles[t]] * w[..., None]).sum(1)
        return np.where(((points - foot) * normal).sum(1) < 0, -d, d)

    def sample(self, count: int, rng: np.random.Generator, weight: np.ndarray | None = None):
        """Random surface points: (triangle [count], barycentric [count, 3]), by area times an optional weight per triangle."""
        area = np.linalg.norm(np.cross(self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0]), axis=1)
        p = area if weight is None else area * weight
        t = rng.choice(len(p), count, p=p / p.sum())
        r1, r2 = np.sqrt(rng.random(count)), rng.random(count)
        return t, np.stack([1 - r1, r1 * (1 - r2), r1 * r2], 1)


@njit(cache=True)
def _least_area(loop):
    """Which triangles fill a closed loop [n, 3] with the least area (Barequet & Sharir 1995): the splitting vertex of every span [n, n]."""
    n = len(loop)
    cost, split = np.zeros((n, n)), np.zeros((n, n), np.int64)
    for span in range(2, n):
        for i in range(n - span):
            j = i + span
            best, at = np.inf, i + 1
            for k in range(i + 1, j):
                c = cost[i, k] + cost[k, j]
                if c >= best:
                    continue
                c += np.sqrt((np.cross(loop[k] - loop[i], loop[j] - loop[i]) ** 2).sum()) / 2
                if c < best:
                    best, at = c, k
            cost[i, j], split[i, j] = best, at
    return split


def boundary_loops(triangles: np.ndarray) -> list[np.ndarray]:
    """The boundary's loops, in the order that a filling triangle runs along them."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    keys = set(map(tuple, edges.tolist()))
    after = {b: a for a, b in keys if (b, a) not in keys}
    loops = []
    while after:
        start = next(iter(after))
        loop, at = [start], after.pop(start)
        while at != start and at in after:
            loop.append(at)
            at = after.pop(at)
        loops.append(np.array(loop))
    return loops


def cut(triangles: np.ndarray, inside: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What of a mesh has `inside` [V] > 0, cut straight through triangles that cross zero.

    Returns (triangles [F, 3], pairs [K, 2], share [K, 2]): vertex first + k lies between vertices pairs[k], weighted by share[k]."""
    inside = np.where(np.abs(inside) < 1e-9, 1e-9, inside)
    sides = inside[triangles] > 0
    number, out = {}, [triangles[sides.all(1)]]

    def crossing(a, b):
        return first + number.setdefault((min(a, b), max(a, b)), len(number))
    for k in np.nonzero(sides.any(1) & ~sides.all(1))[0]:
        t, s = triangles[k].tolist(), sides[k]
        odd = int(np.argmax(s if s.sum() == 1 else ~s))                       # the corner that is alone on its side
        a, b, c = t[odd], t[(odd + 1) % 3], t[(odd + 2) % 3]
        p, q = crossing(a, b), crossing(a, c)
        out.append(np.array([[a, p, q]] if s[odd] else [[p, b, c], [p, c, q]]))
    pairs = np.array(list(number), np.int64).reshape(-1, 2)
    d = np.abs(inside[pairs])
    return np.concatenate(out), pairs, d[:, ::-1] / d.sum(1, keepdims=True)


def fill_holes(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Fills every hole with the triangles of least area over its loop, without new vertices: right for long and bent holes, as along a gum."""
    out = [triangles]
    for loop in boundary_loops(triangles):
        split = _least_area(vertices[loop].astype(np.float64))
        spans = [(0, len(loop) - 1)]
        while spans:
            i, j = spans.pop()
            if j - i < 2:
                continue
            k = split[i, j]
            out.append(loop[[[i, k, j]]])
            spans += [(i, k), (k, j)]
    return np.concatenate(out)


def close_by_wall(triangles: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Closes the one boundary loop of a mesh of `count` vertices by a wall down to a flat floor. Returns (triangles: the given ones, the wall's, then the floor's fan; rim [R], the loop):
    vertex count + k is the foot of rim[k] and vertex count + R the floor's middle, as `with_wall` appends them."""
    loops = boundary_loops(triangles)
    if len(loops) != 1:
        raise ValueError(f'close_by_wall: the mesh should have one hole; it has {len(loops)}')
    rim, size = loops[0], len(loops[0])
    foot = count + np.arange(size)
    after, foot_after = np.roll(rim, -1), np.roll(foot, -1)
    wall = np.concatenate([np.stack([rim, after, foot_after], 1), np.stack([rim, foot_after, foot], 1)])
    return np.concatenate([triangles, wall, np.stack([foot, foot_after, np.full(size, count + size)], 1)]), rim


def with_wall(vertices: np.ndarray, rim: np.ndarray, height: float) -> np.ndarray:
    """[.., V, 3] -> [.., V + R + 1, 3]: appends the feet under the rim at y = height, and their mean. Displacements have theirs with height 0: the floor stays where it is."""
    feet = vertices[..., rim, :] * np.array([1, 0, 1], vertices.dtype) + np.array([0, height, 0], vertices.dtype)
    return np.concatenate([vertices, feet, feet.mean(-2, keepdims=True)], -2)
