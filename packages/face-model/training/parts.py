"""What moves by itself: eyeballs, teeth with their gums, and the tongue. Each is a static signed distance in its own template space under a transform of the codes.

    posed = M(codes) . template,   signed distance(x) = scale(M) * T_part(M^-1 x)

The jaw's parts move affinely in the linear generator ((R - I) p + t is affine in p), so M is fitted per code by least squares. Eyeballs are in eyes.py.

    python parts.py --data DATA --minutes 4      writes CACHE/runs/part-*.pt and CACHE/runs/part-transforms.npz"""
from __future__ import annotations

import argparse
import math

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import nn

import facekit as fk
import fields
from distance import Mesh, fill_holes
from eyes import EYES, Eyes, affine_fit, eye_fit, inverse_affine
from fit import fit

MOUTH_PARTS = ['teethUpper', 'teethLower', 'tongue']
DEEPEST = np.array([[-1, -.050, .052], [1, -.0125, 1]])   # metres, neutral head: what of the mouth's parts can ever be seen
NEAR = .001                        # metres from a part's box within which its field is evaluated
EYE_CAP = math.radians(100)        # the eyeball's mesh and chart end here; what lies behind is never seen


class Parts(Eyes):
    """Signed distances [.., 5] and transforms [5, 3, 4] of the parts after the skin."""

    def __init__(self, transforms: dict[str, np.ndarray], names: list[str]):
        super().__init__(transforms, names)
        self.fields = nn.ModuleDict({n: fields.make_part() for n in MOUTH_PARTS})

    def transforms(self, geometry, expression):
        """[5, 3, 4] posed from template."""
        codes = torch.cat([geometry, expression])
        eyes = [self.eye_transform(e, i, geometry, expression) for i, e in enumerate(EYES)]
        identity = torch.eye(3, 4)
        mouth = [identity + torch.tensordot(codes, getattr(self, f'{n}_affine'), 1) for n in MOUTH_PARTS]
        return torch.stack(eyes + mouth)

    def to_template(self, x, geometry, expression):
        """Posed points [N, 3] -> template points of each part [5, N, 3] and the transforms' scales [5]."""
        m = self.transforms(geometry, expression)
        inverse, determinant = inverse_affine(m)
        # One product for all parts: five narrow ones cost several times more.
        template = x @ inverse.flatten(0, 1).T - (inverse @ m[:, :, 3:]).flatten()
        return template.view(-1, len(m), 3).transpose(0, 1), determinant.clamp_min(1e-6) ** (1 / 3)

    def forward(self, x, geometry, expression):                               # [N, 3] -> [N, 5]
        local, scale = self.to_template(x, geometry, expression)
        out = [self.eye_distance(e, local[i]) * scale[i] for i, e in enumerate(EYES)]
        for i, n in enumerate(MOUTH_PARTS, 2):
            box = getattr(self, f'{n}_box')
            inside = torch.minimum(torch.maximum(local[i], box[0]), box[1])
            beyond = (local[i] - inside).square().sum(-1).clamp_min(1e-14).sqrt()
            wall = torch.maximum(box[0] - local[i], local[i] - box[1]).amax(-1)   # the part ends at its box
            # Beyond the box its wall is near enough to the truth; and no network need be asked.
            row = torch.nonzero(beyond < NEAR)[:, 0]
            asked = torch.maximum(self.fields[n](inside[row])[..., 0] + beyond[row], wall[row])
            out.append(wall.index_put((row,), asked) * scale[i])
        return torch.stack(out, -1)

    def charts(self, x, geometry, expression):
        """UV of every part's own chart [N, 5, 2]."""
        local, _ = self.to_template(x, geometry, expression)
        uv = []
        for i, e in enumerate(EYES):
            q = self.eye_local(e, local[i])
            flat = q[:, :2].square().sum(-1).clamp_min(1e-14).sqrt()
            angle = torch.atan2(flat, q[:, 2])
            radius = .49 * (angle / EYE_CAP).clamp(max=1.)
            uv.append(.5 + q[:, :2] * torch.tensor([1., -1.]) * (radius / flat)[:, None])
        for i, n in enumerate(MOUTH_PARTS, 2):
            box, p = getattr(self, f'{n}_box'), local[i]
            size = box[1] - box[0]
            if n == 'tongue':
                uv.append(torch.stack([(p[:, 0] - box[0, 0]) / size[0], 1 - (p[:, 2] - box[0, 2]) / size[2]], 1))
            else:
                around = torch.atan2(p[:, 0], p[:, 2] - box[0, 2] + .012) / math.pi
                uv.append(torch.stack([.5 + .98 * around, 1 - (p[:, 1] - box[0, 1]) / size[1]], 1))
        return torch.stack(uv, 1).clamp(0, 1)


def closed_components(kit: fk.FaceKit, part: str) -> list[Mesh]:
    """The part's pieces (gums, each tooth), each with its holes closed: the part's inside is their union."""
    triangles = kit.part_triangles(part)
    used, local = np.unique(triangles, return_inverse=True)
    local = local.reshape(-1, 3)
    graph = coo_matrix((np.ones(local.size), (local.ravel(), np.roll(local, 1, axis=1).ravel())), shape=(len(used), len(used)))
    count, label = connected_components(graph, directed=False)
    meshes = []
    for k in range(count):
        t = local[label[local[:, 0]] == k]
        keep, t = np.unique(t, return_inverse=True)
        vertices = kit.neutral[used[keep]]
        meshes.append(Mesh(vertices, fill_holes(vertices, t.reshape(-1, 3))))
    return meshes


def part_box(meshes: list[Mesh]) -> np.ndarray:
    """[2, 3] the box in which a part exists: its bounds, without the roots and folds that lie deep in the flesh, where an error of the skin would uncover them."""
    low, high = np.min([m.vertices.min(0) for m in meshes], 0) - .004, np.max([m.vertices.max(0) for m in meshes], 0) + .004
    return np.stack([np.maximum(low, DEEPEST[0]), np.minimum(high, DEEPEST[1])]).astype(np.float32)


def part_samples(kit: fk.FaceKit, part: str, count: int, rng: np.random.Generator):
    """Points [N, 3] around a part and exact distances [N] to the union of its pieces."""
    meshes = closed_components(kit, part)
    box = part_box(meshes)
    areas = np.array([np.linalg.norm(np.cross(m.corners[:, 1] - m.corners[:, 0], m.corners[:, 2] - m.corners[:, 0]), axis=1).sum() for m in meshes])
    x = [rng.uniform(*box, (count // 5, 3))]
    for m, share in zip(meshes, areas / areas.sum()):
        t, w = m.sample(int(count * .8 * share), rng)
        n = (m.vertex_normal[m.triangles[t]] * w[..., None]).sum(1)
        x.append((m.corners[t] * w[..., None]).sum(1) + rng.choice([.0006, .003], len(t))[:, None] * rng.standard_normal((len(t), 1)) * n)
    x = np.concatenate(x)
    x = x[((x >= box[0]) & (x <= box[1])).all(1)]
    d = np.min([m.signed_distance(x) for m in meshes], 0)
    return x.astype(np.float32), d.astype(np.float32)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', required=True)
    parser.add_argument('--minutes', type=float, default=4, help='per mouth part')
    parser.add_argument('--threads', type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    kit = fk.FaceKit.load(arguments.data)
    rng = np.random.default_rng(7)
    store = {}
    for e in EYES:
        found, rest = eye_fit(kit, e)
        print(f"{e}: radius {found['radius'] * 1000:.2f} mm, cornea reaches {found['bulge'] * 1000:.2f} mm, identity not explained by an affine map {rest * 1000:.3f} mm")
        store |= {f'{e}.{k}': v for k, v in found.items()}
    for part in MOUTH_PARTS:
        others = np.concatenate([kit.part_vertices(p) for p in MOUTH_PARTS if p != part])
        v = np.setdiff1d(kit.part_vertices(part), others)                      # seams belong to two parts and follow either
        affine, rest = affine_fit(kit.neutral[v], kit.basis[:, v])
        print(f'{part}: unexplained by affine motion: identity {np.sqrt((rest[:100] ** 2).sum()) * 1000:.2f} mm, worst expression '
              f'{rest[100:].max() * 1000:.2f} mm ({kit.names[int(rest[100:].argmax())]})')
        store[f'{part}.affine'], store[f'{part}.box'] = affine, part_box(closed_components(kit, part))
    (fk.cache_dir() / 'runs').mkdir(exist_ok=True)
    np.savez(fk.cache_dir() / 'runs' / 'part-transforms.npz', **store)
    for part in MOUTH_PARTS if arguments.minutes > 0 else []:
        x, d = (torch.from_numpy(a) for a in part_samples(kit, part, 400_000, rng))
        model = fields.make_part()

        def loss(step):
            i = torch.randint(0, len(x), (8192,))
            return ((model(x[i])[:, 0] - d[i]).abs() / (d[i].abs() + .002)).mean()

        def evaluate(m):
            with torch.no_grad():
                e = (m(x[:80000])[:, 0] - d[:80000]).abs() * 1000
            near = d[:80000].abs() < .001
            return {'nearMm': e[near].mean().item(), 'farMm': e[~near].mean().item()}
        fit(f'part-{part}', model, loss, fk.cache_dir() / 'runs', arguments.minutes, 2e-3, evaluate, every=30)
