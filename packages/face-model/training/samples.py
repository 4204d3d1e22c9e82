"""Where training points come from: the template mesh with what it deforms to, and exact signed distances of posed heads."""
from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from tqdm import tqdm

import facekit as fk
from distance import Mesh, close_by_wall, cut, fill_holes, with_wall
from eyes import Eyes, LidContact
from fields import BOUNDS, DG, SHEETS

# Lids are nearly closed: opening compresses their thin gap's air, which a network can learn; closing an open gap would need a jump.
# Lips belong to solids of their own, so any pose of the jaw would do; half way costs D the shortest ways.
TEMPLATE = {'jawOpen': .3, 'eyeBlink_L': .85, 'eyeBlink_R': .85}

# Metres of jawOpen's motion. Its level through the corners of the mouth is .0158: what moves less is the head's, what moves more is the jaw's, and a band around
# the level is both's.
HEAD_BELOW, JAW_ABOVE = .020, .012
EARS = .065           # metres from the middle: of the face's vertices only the ears' are farther
LIDS_REACH = .014     # metres from the rims of the eye sockets: no place of a lid that ever touches an eyeball is farther
# Metres by which a solid lies under the skin at its rim. It sinks over its half of the band, so that where one hands over to the other, what they differ by is a gentle slope.
SUNK = .0012

# Metres: where the wall under the neck's rim ends, below all that is learnt. A lid across the rim would make it the edge of a thin wedge, for the neck runs out to the shoulders there.
WALL_END = -.25

PAIR_STEP = .0006     # metres, standard deviation per axis of the step between the points of a pair


def template_codes(kit: fk.FaceKit) -> np.ndarray:                            # [158]
    codes = np.zeros(158, np.float32)
    for name, weight in TEMPLATE.items():
        codes[100 + kit.names.index(name)] = weight
    return codes


@dataclass
class Skin:
    """The skin as a closed solid (under the neck's rim a wall and a floor), and the two closed solids whose union it is: the head with the upper lip, and the jaw with the lower.

    Each is closed by a membrane inside the flesh. Between lips that close there is then no gap within one solid: no deformation has to squeeze the mouth's air."""
    kit: fk.FaceKit
    triangles: np.ndarray            # [F, 3] of the whole skin, with the wall and the floor last
    sheets: dict[str, np.ndarray]    # by the names in SHEETS: [F, 3] with the membrane last
    sunk: dict[str, np.ndarray]      # [V] metres by which each sheet's vertices lie under the skin
    skin_faces: dict[str, int]       # how many of a sheet's triangles are skin
    template: np.ndarray             # [V, 3] the linear sum: FaceKit's skin, the wall's feet, the floor's middle, then the vertices where the skin is cut
    basis: np.ndarray                # [158, V, 3]
    neutral: np.ndarray              # [V, 3]
    rim: np.ndarray                  # [R] vertices along the neck's rim; vertex SKIN + k is the foot under rim[k], SKIN + R the floor's middle
    lips: np.ndarray                 # [V] bool: within 10 mm of the rim where face and mouth socket meet
    lids: np.ndarray                 # [V] bool: within 6 mm of the rims of the eye sockets
    lid_vertices: np.ndarray         # vertices of the face that may come to lie on an eyeball
    eyes: Eyes

    @staticmethod
    def of(kit: fk.FaceKit) -> 'Skin':
        v = kit.neutral[:fk.SKIN]
        triangles, rim = close_by_wall(kit.skin_triangles(), fk.SKIN)
        basis = with_wall(kit.basis[:, :fk.SKIN], rim, 0)
        neutral = with_wall(v, rim, WALL_END)
        jaw = np.linalg.norm(basis[100 + kit.names.index('jawOpen')], axis=1)
        open_sheets, insides = {}, {'head': HEAD_BELOW - jaw, 'jaw': jaw - JAW_ABOVE}
        for name, inside in insides.items():
            open_sheets[name], pairs, share = cut(triangles, inside, len(neutral))
            between = lambda a: (a[..., pairs, :] * share[..., None]).sum(-2)
            neutral, basis = np.concatenate([neutral, between(neutral)]), np.concatenate([basis, between(basis)], 1)
        template = neutral + np.tensordot(template_codes(kit), basis, 1)
        sheets = {name: fill_holes(template, open_sheets[name]) for name in SHEETS}
        half_band = (HEAD_BELOW - JAW_ABOVE) / 2
        # The vertices of a cut are on its level; those of the other one are not this sheet's.
        sunk = {name: SUNK * np.pad(1 - insides[name] / half_band, (0, len(neutral) - len(jaw)), constant_values=1).clip(0, 1) ** 2 for name in SHEETS}

        def near_rim(start, stop, radius):
            t = triangles[((triangles >= start) & (triangles < stop)).any(1) & (triangles < fk.FACE).any(1)]
            rim = np.unique(t[t < fk.FACE])
            return cKDTree(neutral[rim]).query(neutral)[0] < radius
        on_lids = np.nonzero(near_rim(*fk.EYE_SOCKETS, LIDS_REACH)[:fk.FACE])[0]      # the socket's own wall stays in the eyeball, where nobody sees it
        return Skin(kit, triangles, sheets, sunk, {n: len(t) for n, t in open_sheets.items()}, template.astype(np.float32), basis.astype(np.float32), neutral.astype(np.float32), rim,
                    near_rim(*fk.MOUTH_SOCKET, .010), near_rim(*fk.EYE_SOCKETS, .006), on_lids, Eyes.of(kit))

    def pose(self, codes: np.ndarray) -> np.ndarray:
        """[158] -> [V, 3]: the generator, a linear sum whose lids then rest on the eyeballs."""
        v = self.neutral + np.tensordot(codes, self.basis, 1)
        v[self.lid_vertices] += self.contact(torch.from_numpy(v[self.lid_vertices]), torch.from_numpy(np.asarray(codes, np.float32))).numpy()
        return v

    def contact(self, lids: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """What contact adds to the linear sum's `lid_vertices` [.., L, 3] for codes [.., 158]: [.., L, 3]."""
        return LidContact.offsets(self.eyes, lids.float(), codes[..., :DG], codes[..., DG:])

    def sheet(self, name: str, vertices: np.ndarray) -> Mesh:
        """A sheet of the posed skin [V, 3] as a closed mesh."""
        triangles = self.sheets[name]
        normals = fk.vertex_normals(vertices, triangles[:self.skin_faces[name]])
        return Mesh(vertices - self.sunk[name][:, None] * normals, triangles)

    def importance(self, triangles: np.ndarray) -> np.ndarray:
        """[F] sampling weight: face and ears matter more than the back of the head, lips and lids most. Ears and the neck's rim, where the skin turns sharply, are where rays go astray."""
        v = np.full(len(self.neutral), .7)
        v[:fk.FACE], v[:fk.NARROW_FACE] = 2.5, 4
        v[slice(*fk.MOUTH_SOCKET)], v[slice(*fk.EYE_SOCKETS)] = 1.5, 3
        v[:fk.FACE][np.abs(self.neutral[:fk.FACE, 0]) > EARS] = 12
        v[cKDTree(self.neutral[self.rim]).query(self.neutral)[0] < .012] = 5
        v[self.lips], v[self.lids] = 12, 20
        v[fk.SKIN:] = 2
        return np.where((triangles == fk.SKIN + len(self.rim)).any(1), .05, v[triangles].max(1))

    def solids(self, vertices: np.ndarray) -> list[Mesh]:
        """The posed skin as a whole, its head, its jaw."""
        return [Mesh(vertices, self.triangles), *(self.sheet(name, vertices) for name in SHEETS)]


def signed_distances(solids: list[Mesh], points: np.ndarray) -> np.ndarray:
    """[N, 3]: exact signed distances of points to Skin.solids."""
    out = np.stack([mesh.signed_distance(points) for mesh in solids], 1)
    out[:, 1:] = within(out[:, 1:], out[:, :1])
    return out


def within(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Signed distances to a part of a solid, with the sign mended where the part's mesh crosses itself (a membrane's rim that pokes through the skin a little): nothing is
    deeper in the part than in the whole."""
    return np.where(part < np.where(whole > 0, 0, whole - .0005), np.abs(part), part)


def offsets(count: int, rng: np.random.Generator) -> np.ndarray:
    """Distances along the normal: most within a millimetre, some to several centimetres."""
    return rng.choice([.0006, .003, .015], count, p=[.5, .32, .18]) * rng.standard_normal(count)


def volume_samples(skin: Skin, mesh: Mesh, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points around a posed or template skin [count, 3]: near the surface, and everywhere a camera can see. Air between lips and lids comes from chords."""
    near, chords = int(count * .62), int(count * .2)
    t, w = mesh.sample(near, rng, skin.importance(mesh.triangles))
    at = lambda t, w: (mesh.corners[t] * w[..., None]).sum(1)
    x = at(t, w) + offsets(near, rng)[:, None] * (mesh.vertex_normal[mesh.triangles[t]] * w[..., None]).sum(1)
    # Chords: from a place on lips, lids, bag or socket to the nearest surface that faces it.
    inner = skin.lips | skin.lids
    inner[fk.MOUTH_SOCKET[0]:fk.EYE_SOCKETS[1]] = True
    t, w = mesh.sample(chords, rng, inner[mesh.triangles].all(1).astype(float))
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
    t, w = mesh.sample(on, rng, skin.importance(mesh.triangles))
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
            'weight': np.concatenate([w * (1 - second), w2 * second], 1).astype(np.float32),
            'distance': within(d * sign, Mesh(skin.template, skin.triangles).signed_distance(x)).astype(np.float32),
            'triangle': t, 'bary': w.astype(np.float32)}


def posed_bank(skin: Skin, faces: int, points: int, rng: np.random.Generator, open_share: float = .25) -> dict[str, np.ndarray]:
    """Exact signed distances around random posed heads: codes [S, 158], x [S, P, 2, 3], distances [S, P, 2, 3] of skin, head and jaw. Points come in pairs, a step of
    about a millimetre apart: what their distances differ by is the slope. A share of the heads have the mouth wide open. Two fifths of the points are drawn around the head's
    and the jaw's own surfaces, membranes included."""
    codes = skin.kit.random_codes(faces, rng)
    wide = rng.random(faces) < open_share
    codes[wide, 100 + skin.kit.names.index('jawOpen')] = rng.uniform(.4, 1, wide.sum())
    x, d = np.empty((faces, points, 2, 3), np.float32), np.empty((faces, points, 2, 3), np.float32)
    counts = (np.array([.6, .2, .2]) * points).astype(int)
    counts[0] += points - counts.sum()
    for i in tqdm(range(faces), desc='posed heads', mininterval=10):
        solids = skin.solids(skin.pose(codes[i]))
        p = np.concatenate([volume_samples(skin, m, n, rng) for m, n in zip(solids, counts)])
        x[i, :, 0] = rng.permutation(p)
        x[i, :, 1] = x[i, :, 0] + rng.standard_normal((points, 3)) * PAIR_STEP
        d[i] = signed_distances(solids, x[i].reshape(-1, 3)).reshape(points, 2, 3)
    return {'codes': codes, 'x': x, 'distances': d}


def view_bank(skin: Skin, faces: int, points: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Places of random posed skins, as cameras from all sides see them: codes [S, 158], x [S, P, 3], normals [S, P, 3], uv [S, P, 2]."""
    codes, chart = skin.kit.random_codes(faces, rng), np.load(fk.cache_dir() / 'atlas' / 'atlas.npz')['uv']
    out = {'codes': codes, **{name: np.empty((faces, points, n), np.float32) for name, n in (('x', 3), ('normals', 3), ('uv', 2))}}
    visible = skin.triangles[(skin.triangles < fk.MOUTH_SOCKET[0]).all(1)]      # without sockets and what closes the neck
    importance = skin.importance(visible)
    for i in tqdm(range(faces), desc='views', mininterval=10):
        v = skin.pose(codes[i])
        t, w = Mesh(v, visible).sample(points, rng, importance)
        n = interpolated(fk.vertex_normals(v, skin.triangles), visible[t], w)
        out['x'][i], out['uv'][i] = interpolated(v, visible[t], w), interpolated(chart, visible[t], w)
        out['normals'][i] = n / np.linalg.norm(n, axis=1, keepdims=True)
    return out


def interpolated(values: np.ndarray, corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values per vertex [V, C] at places on triangles, corners [N, 3] and weights [N, 3]: [N, C]."""
    return (values[corners] * weights[..., None]).sum(1)


def stored(name: str, *keys: str) -> list[torch.Tensor]:
    """Arrays of CACHE/samples/name.npz."""
    data = np.load(fk.cache_dir() / 'samples' / f'{name}.npz')
    return [torch.from_numpy(data[key]) for key in keys]


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', required=True)
    parser.add_argument('--template', type=int, default=2_000_000, help='canonical points of head and jaw each')
    parser.add_argument('--faces', type=int, default=1200, help='posed heads')
    parser.add_argument('--points', type=int, default=2000, help='pairs of points per posed head')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--only', choices=['template', 'posed', 'views'])
    arguments = parser.parse_args()
    folder = fk.cache_dir() / 'samples'
    folder.mkdir(exist_ok=True)
    skin = Skin.of(fk.FaceKit.load(arguments.data))
    rng = np.random.default_rng(arguments.seed)
    if arguments.only in (None, 'template'):
        for name, mesh in zip(('skin', *SHEETS), skin.solids(skin.template)):
            np.savez(folder / f'template-{name}.npz', **template_samples(skin, mesh, arguments.template, .3, rng))
            print('wrote', folder / f'template-{name}.npz', flush=True)
    if arguments.only in (None, 'views'):
        np.savez(folder / 'views.npz', **view_bank(skin, arguments.faces, arguments.points // 2, np.random.default_rng(arguments.seed + 2)))
        print('wrote', folder / 'views.npz')
    if arguments.only in (None, 'posed'):
        np.savez(folder / 'posed.npz', **posed_bank(skin, arguments.faces, arguments.points, np.random.default_rng(arguments.seed + 1)))
        print('wrote', folder / 'posed.npz')
