"""Where training points come from: the template mesh with what it deforms to, and exact signed distances of posed heads."""
from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from tqdm import tqdm

import facekit as fk
from distance import Mesh, close_holes, with_loop_centres
from fields import BOUNDS

# The template is nearly closed: opening compresses its thin gaps' air, which a network can learn; closing an open gap would need a jump.
TEMPLATE = {'jawOpen': .05, 'eyeBlink_L': .85, 'eyeBlink_R': .85}


def template_codes(kit: fk.FaceKit) -> np.ndarray:                            # [158]
    codes = np.zeros(158, np.float32)
    for name, weight in TEMPLATE.items():
        codes[100 + kit.names.index(name)] = weight
    return codes


@dataclass
class Skin:
    """The closed skin solid (the neck's rim capped), its template pose and its regions."""
    kit: fk.FaceKit
    triangles: np.ndarray            # [F, 3] with the cap's fan last
    loops: list[np.ndarray]
    template: np.ndarray             # [V, 3]
    basis: np.ndarray                # [158, V, 3]
    neutral: np.ndarray              # [V, 3]
    lips: np.ndarray                 # [V] bool: within 10 mm of the rim where face and mouth socket meet
    lids: np.ndarray                 # [V] bool: within 6 mm of the rims of the eye sockets

    @staticmethod
    def of(kit: fk.FaceKit) -> 'Skin':
        v = kit.neutral[:fk.SKIN]
        triangles, loops = close_holes(v, kit.skin_triangles())
        basis = with_loop_centres(kit.basis[:, :fk.SKIN], loops)
        neutral = with_loop_centres(v, loops)
        template = neutral + np.tensordot(template_codes(kit), basis, 1)

        def near_rim(start, stop, radius):
            t = triangles[((triangles >= start) & (triangles < stop)).any(1) & (triangles < fk.FACE).any(1)]
            rim = np.unique(t[t < fk.FACE])
            return cKDTree(neutral[rim]).query(neutral)[0] < radius
        return Skin(kit, triangles, loops, template.astype(np.float32), basis.astype(np.float32), neutral.astype(np.float32),
                    near_rim(*fk.MOUTH_SOCKET, .010), near_rim(*fk.EYE_SOCKETS, .006))

    def pose(self, codes: np.ndarray) -> np.ndarray:                          # [158] -> [V, 3]
        return self.neutral + np.tensordot(codes, self.basis, 1)

    def importance(self) -> np.ndarray:
        """[F] sampling weight: the face matters more than the back of the head, lips and lids most."""
        v = np.full(len(self.neutral), .7)
        v[:fk.FACE], v[:fk.NARROW_FACE] = 1.5, 4
        v[slice(*fk.MOUTH_SOCKET)], v[slice(*fk.EYE_SOCKETS)] = 1.5, 3
        v[self.lips], v[self.lids] = 12, 20
        v[fk.SKIN:] = .1
        return v[self.triangles].max(1)


def offsets(count: int, rng: np.random.Generator) -> np.ndarray:
    """Distances along the normal: most within a millimetre, some to several centimetres."""
    return rng.choice([.0006, .003, .015], count, p=[.5, .32, .18]) * rng.standard_normal(count)


def volume_samples(skin: Skin, mesh: Mesh, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points around a posed or template skin [count, 3]: near the surface, and everywhere a camera can see. Air between lips and lids comes from chords."""
    near, chords = int(count * .62), int(count * .2)
    t, w = mesh.sample(near, rng, skin.importance())
    at = lambda t, w: (mesh.corners[t] * w[..., None]).sum(1)
    x = at(t, w) + offsets(near, rng)[:, None] * (mesh.vertex_normal[mesh.triangles[t]] * w[..., None]).sum(1)
    # Chords: from a place on lips, lids, bag or socket to the nearest surface that faces it.
    inner = skin.lips | skin.lids
    inner[fk.MOUTH_SOCKET[0]:fk.EYE_SOCKETS[1]] = True
    t, w = mesh.sample(chords, rng, inner[skin.triangles].all(1).astype(float))
    p, n = at(t, w), mesh.normal[t]
    t2, w2, d2 = mesh.closest(p + .0005 * n, n)
    good = (t2 >= 0) & (d2 < .05)
    q = np.where(good[:, None], at(np.maximum(t2, 0), w2), p + .01 * n)
    c = p + rng.random((chords, 1)) * (q - p)
    u = rng.uniform(*BOUNDS, (count - near - chords, 3))
    return np.concatenate([x, c, u])


def template_samples(skin: Skin, mesh: Mesh, count: int, surface: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Canonical points with what they move with: corners [N, 6] and weights [N, 6] of the skin's vertices, and exact signed distances [N].

    On the surface the motion is the generator's own. Off it, it is the closest point's; between two sheets that face each other (air of the mouth, an eyelid's
    inside) the two are blended by distance, which makes the forward field continuous there and one-to-one."""
    on = int(count * surface)
    t, w = mesh.sample(on, rng, skin.importance())
    x = np.concatenate([(mesh.corners[t] * w[..., None]).sum(1), volume_samples(skin, mesh, count - on, rng)])
    t, w, d = mesh.closest(x)
    foot = (mesh.corners[t] * w[..., None]).sum(1)
    normal = (mesh.vertex_normal[mesh.triangles[t]] * w[..., None]).sum(1)
    sign = np.where(((x - foot) * normal).sum(1) < 0, -1, 1)
    t2, w2, d2 = mesh.closest(x, mesh.normal[t])
    foot2 = (mesh.corners[t2] * w2[..., None]).sum(1)
    between = (t2 >= 0) & (d2 < .04) & (((foot - x) * (foot2 - x)).sum(1) < 0) & (d > 1e-5)
    second = np.where(between, d ** 2 / np.maximum(d ** 2 + d2 ** 2, 1e-12), 0)[:, None]
    return {'x': x.astype(np.float32), 'corner': np.concatenate([mesh.triangles[t], mesh.triangles[np.maximum(t2, 0)]], 1),
            'weight': np.concatenate([w * (1 - second), w2 * second], 1).astype(np.float32), 'distance': (d * sign).astype(np.float32),
            'triangle': t, 'bary': w.astype(np.float32)}


def posed_bank(skin: Skin, faces: int, points: int, rng: np.random.Generator, open_share: float = .35) -> dict[str, np.ndarray]:
    """Exact signed distances around random posed heads: codes [S, 158], x [S, P, 3], distance [S, P]. A share of them have the mouth wide open, where the air is
    hardest: it has to be learnt, not found, because it maps into a thin gap of the template."""
    codes = skin.kit.random_codes(faces, rng)
    wide = rng.random(faces) < open_share
    codes[wide, 100 + skin.kit.names.index('jawOpen')] = rng.uniform(.4, 1, wide.sum())
    x, d = np.empty((faces, points, 3), np.float32), np.empty((faces, points), np.float32)
    for i in tqdm(range(faces), desc='posed heads', mininterval=10):
        mesh = Mesh(skin.pose(codes[i]), skin.triangles)
        x[i] = volume_samples(skin, mesh, points, rng)
        d[i] = mesh.signed_distance(x[i])
    return {'codes': codes, 'x': x, 'distance': d}


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', required=True)
    parser.add_argument('--template', type=int, default=3_000_000, help='canonical points')
    parser.add_argument('--faces', type=int, default=1200, help='posed heads')
    parser.add_argument('--points', type=int, default=6000, help='points per posed head')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--only-posed', action='store_true', help='keep the canonical points')
    arguments = parser.parse_args()
    folder = fk.cache_dir() / 'samples'
    folder.mkdir(exist_ok=True)
    skin = Skin.of(fk.FaceKit.load(arguments.data))
    rng = np.random.default_rng(arguments.seed)
    if not arguments.only_posed:
        np.savez(folder / 'template.npz', **template_samples(skin, Mesh(skin.template, skin.triangles), arguments.template, .3, rng))
        print('wrote', folder / 'template.npz', flush=True)
    np.savez(folder / 'posed.npz', **posed_bank(skin, arguments.faces, arguments.points, rng))
    print('wrote', folder / 'posed.npz')
