"""The generator behind every label: ICT-FaceKit's linear head, in metres and glTF axes.

`FaceKit.load(data)` reads `facekit/facekit.npz`. One vertex numbering is used everywhere: FaceKit's own. Vertices 0..14061 are the skin (face, head and
neck, mouth socket, eye sockets): one sheet with a single rim at the bottom of the neck, which makes it a disk, and that is why the atlas needs no seam.
The parts that move by themselves (eyeballs, teeth with gums, tongue) are cut out by vertex ranges and connected components.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

SKIN = 14062          # vertices of the skin sheet
NARROW_FACE = 6706    # vertices of the face without the neck's front and the forehead's rim
FACE = 9409
MOUTH_SOCKET = (11248, 13294)
EYE_SOCKETS = (13294, 14062)
RANGES = {'gumsAndTongue': (14062, 17039), 'teeth': (17039, 21451), 'eyeLeft': (21451, 23021), 'eyeRight': (23021, 24591)}
PARTS = ['skin', 'eyeLeft', 'eyeRight', 'teethUpper', 'teethLower', 'tongue']


def cache_dir() -> Path:
    """Where checkpoints and intermediate results live: `IMPLICIT_FACES_CACHE`, else `~/.cache/implicit-faces`."""
    path = Path(os.environ.get('IMPLICIT_FACES_CACHE', Path.home() / '.cache' / 'implicit-faces'))
    path.mkdir(parents=True, exist_ok=True)
    return path


def triangulate(quads: np.ndarray) -> np.ndarray:
    """[Q, 4] quads (-1 pads triangles) -> [F, 3] triangles, both halves of a quad next to each other in two blocks."""
    return np.concatenate([quads[:, :3], quads[quads[:, 3] >= 0][:, [0, 2, 3]]])


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Angle-weighted vertex normals [..., V, 3]: their interpolation gives the right sign of distance at edges and corners too (Baerentzen & Aanaes 2005)."""
    normals = np.zeros(vertices.shape, np.float64)
    a, b, c = (vertices[..., triangles[:, i], :].astype(np.float64) for i in range(3))
    face = np.cross(b - a, c - a)
    face /= np.maximum(np.linalg.norm(face, axis=-1, keepdims=True), 1e-18)
    for k, (p, q, r) in enumerate(((a, b, c), (b, c, a), (c, a, b))):
        u, v = q - p, r - p
        cos = (u * v).sum(-1) / np.maximum(np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1), 1e-18)
        np.add.at(normals, (Ellipsis, triangles[:, k], slice(None)), face * np.arccos(np.clip(cos, -1, 1))[..., None])
    return (normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-18)).astype(np.float32)


@dataclass
class FaceKit:
    neutral: np.ndarray        # [26719, 3] metres
    identity: np.ndarray       # [100, 26719, 3] per unit of an N(0,1) weight
    expression: np.ndarray     # [58, 26719, 3] per unit of a 0..1 weight; the last is tongueOut, made here
    names: list[str]           # [58]
    quads: np.ndarray          # [Q, 4] vertices, -1 pads triangles
    mouth_quads: dict[str, np.ndarray]

    @staticmethod
    def load(data: str | Path) -> 'FaceKit':
        path = Path(data) / 'facekit' / 'facekit.npz'
        if not path.is_file():
            raise SystemExit(f'{path} is missing. --data must name the folder that holds facekit/facekit.npz (see training/README.md for where it comes from).')
        kit = np.load(path)
        if kit['identity_offsets'].shape != (100, 26719, 3) or kit['expression_offsets'].shape != (57, 26719, 3):
            raise SystemExit(f'{path} is not the expected version of ICT-FaceKit: identity_offsets should be [100, 26719, 3], expression_offsets [57, 26719, 3].')
        faces = kit['faces'].astype(np.int64)
        neutral, expression, names = kit['neutral'] / 100, kit['expression_offsets'] / 100, [str(n) for n in kit['expression_names']]
        mouth = _mouth_quads(faces, kit['faces_uv'], neutral, expression[names.index('jawOpen')])
        result = FaceKit(neutral, kit['identity_offsets'] / 100, expression, names, faces, mouth)
        result._add_tongue_out()
        return result

    def _add_tongue_out(self) -> None:
        """FaceKit has no tongueOut: the tongue slides forward and a little down, its tip most, on top of whatever the jaw does."""
        tongue = np.setdiff1d(self.part_vertices('tongue'), self.part_vertices('teethLower'))
        z = self.neutral[tongue, 2]
        t = np.clip((z - z.min()) / (z.max() - z.min()), 0, 1)
        offset = np.zeros((1, *self.neutral.shape), np.float32)
        offset[0, tongue, 2] = .032 * t
        offset[0, tongue, 1] = .006 * t - .012 * t ** 3
        self.expression = np.concatenate([self.expression, offset])
        self.names = self.names + ['tongueOut']

    @property
    def basis(self) -> np.ndarray:
        """[158, 26719, 3] identity then expression offsets."""
        return np.concatenate([self.identity, self.expression])

    def pose(self, geometry: np.ndarray, expression: np.ndarray) -> np.ndarray:
        return self.neutral + np.tensordot(np.concatenate([geometry, expression]), self.basis, 1).astype(np.float32)

    def skin_triangles(self) -> np.ndarray:
        return triangulate(self.quads[self.quads.max(1) < SKIN])

    def part_triangles(self, part: str) -> np.ndarray:
        """[F, 3] in FaceKit's vertex numbers; of the eyes only the outer shell (sclera and cornea)."""
        if part == 'skin':
            return self.skin_triangles()
        if part in ('eyeLeft', 'eyeRight'):
            start = RANGES[part][0]
            return triangulate(self.quads[(self.quads[:, 0] >= start) & (self.quads.max(1) < start + 770)])
        return triangulate(self.mouth_quads[part])

    def part_vertices(self, part: str) -> np.ndarray:
        return np.unique(self.part_triangles(part))

    def random_codes(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """[count, 158]: identity N(0,1)^100; up to six shapes U(0,1), left and right mostly coupled; mouthClose never above jawOpen."""
        codes = np.zeros((count, 158), np.float32)
        codes[:, :100] = rng.standard_normal((count, 100))
        index = {n: i for i, n in enumerate(self.names)}
        for row in codes[:, 100:]:
            for j in rng.integers(0, 58, rng.integers(0, 7)):
                row[j] = rng.random()
                twin = index.get(self.names[j][:-2] + {'_L': '_R', '_R': '_L'}.get(self.names[j][-2:], '?'))
                if twin is not None and rng.random() < .8:
                    row[twin] = row[j]
            if rng.random() < .15:
                row[index['eyeBlink_L']] = row[index['eyeBlink_R']] = 1
            if rng.random() < .1:
                row[index['jawOpen']] = 1 - .5 * rng.random() ** 2
            if rng.random() < .25:      # one shape alone at full strength, as tests do
                row[:] = 0
                row[rng.integers(0, 58)] = 1
            close = index['mouthClose']
            if row[close] > 0:
                row[index['jawOpen']] = max(row[index['jawOpen']], row[close])
        return codes


def _islands(corners: np.ndarray) -> np.ndarray:
    """Label of each quad (UV corner indices [Q, 4], -1 pads) by connected UV island."""
    edges = np.concatenate([np.stack([corners[:, k], corners[:, (k + 1) % 3]], 1) for k in range(3)])
    size = corners.max() + 1
    _, label = connected_components(sp.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(size, size)), directed=False)
    return label[corners[:, 0]]


def _mouth_quads(quads: np.ndarray, corners: np.ndarray, neutral: np.ndarray, jaw: np.ndarray) -> dict[str, np.ndarray]:
    """Splits gums, tongue and teeth into what stays with the skull, what follows the jaw, and the tongue.

    In FaceKit gums, tongue and throat are one sheet, but its UV islands separate them: the tongue is a pair of narrow islands that the jaw moves, the gums
    are islands that lie wholly with the skull or wholly with the jaw; what hangs between both (cheeks, throat) is left to the skin's own mouth bag.
    Each tooth is a component of its own and follows the arch that it moves with."""
    parts: dict[str, list[np.ndarray]] = {'teethUpper': [], 'teethLower': [], 'tongue': []}
    motion = np.linalg.norm(jaw, axis=1)
    for name in ('gumsAndTongue', 'teeth'):
        start, stop = RANGES[name]
        inside = (quads[:, 0] >= start) & (quads.max(1) < stop)
        label = _islands(corners[inside])
        for k in np.unique(label):
            island = quads[inside][label == k]
            v = np.unique(island[island >= 0])
            width, least, most = np.abs(neutral[v, 0]).max(), motion[v].min(), motion[v].max()
            if most < .001 and width > .008:
                parts['teethUpper'].append(island)
            elif least > .01 and name == 'gumsAndTongue' and width < .0205 and len(v) > 100:
                parts['tongue'].append(island)
            elif least > .01 and len(v) > 50:
                parts['teethLower'].append(island)
    return {name: np.concatenate(islands) for name, islands in parts.items()}
