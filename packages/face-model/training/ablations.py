"""What each part of the method is worth: short runs of equal length with one thing left out, on held-out faces.

    for x in full no-correspondence views plain; do python train.py ablation-$x --data DATA; done
    python ablations.py --data DATA --out ablations.json"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

import facekit as fk
import fields
from deformation import gradients
from distance import Mesh
from export import load_deformation, load_geometry
from fields import SHEETS
from fit import FOLDER, trained
from samples import Skin, interpolated, template_codes, view_bank

FACES, POINTS = 24, 1500


class Truth:
    """Held-out faces and their visible places."""

    def __init__(self, data: str):
        self.skin = Skin.of(fk.FaceKit.load(data))
        bank = view_bank(self.skin, FACES, POINTS, np.random.default_rng(99))
        self.codes, self.x, self.normals, self.uv = (torch.from_numpy(bank[key]) for key in ('codes', 'x', 'normals', 'uv'))
        atlas = np.load(fk.cache_dir() / 'atlas' / 'atlas.npz')
        self.chart = Mesh(np.pad(atlas['uv'], ((0, 0), (0, 1))), atlas['tris'])

    def surface(self, distance) -> dict[str, float]:
        """Of a field `distance(x, codes)`: how far its zero set is from the true places, millimetres, and by how much its normals are off."""
        with torch.no_grad():
            slope = torch.cat([gradients(lambda p, c=c: distance(p, c), x) for c, x in self.each()])
            f = torch.cat([distance(x, c) for c, x in self.each()])
        off = (f / slope.norm(dim=-1).clamp_min(.3)).abs() * 1000
        angle = torch.nn.functional.cosine_similarity(slope, self.normals, dim=-1).clamp(-1, 1).acos() * 57.2958
        return {'surfaceMeanMm': off.mean().item(), 'surfaceP95Mm': off.flatten().quantile(.95).item(), 'normalMeanDeg': angle.mean().item()}

    def places(self, chart) -> dict[str, float]:
        """Of a map `chart(x, codes) -> uv`: how far what it names lies from where it was asked, on the true face, millimetres."""
        off = []
        for k, (c, x) in enumerate(self.each()):
            with torch.no_grad():
                u = chart(x, c)[0].double().numpy()
            t, w, _ = self.chart.closest(np.pad(u, ((0, 0), (0, 1))))
            off.append(np.linalg.norm(interpolated(self.skin.pose(self.codes[k].numpy()), self.chart.triangles[t], w) - self.x[k].numpy(), axis=1) * 1000)
        return {'uvMedianMm': float(np.median(off)), 'uvP95Mm': float(np.quantile(off, .95))}

    def each(self):
        return ((self.codes[k:k + 1], self.x[k:k + 1]) for k in range(FACES))


class Composed:
    """T(x + D), and UV_T behind it."""

    def __init__(self, model: fields.Deformation):
        self.model = model
        self.templates = {s: trained(f'template-{s}', fields.make_template(s)) for s in SHEETS}
        self.uv = trained('uv', fields.make_uv())

    def sheets(self, x, codes):
        found = self.model(x, codes)
        return torch.stack([self.templates[s](x1)[..., 0] + delta for s, (_, x1, delta) in found.items()], -1), [x1 for _, x1, _ in found.values()]

    def distance(self, x, codes):
        return self.sheets(x, codes)[0].amin(-1)

    def chart(self, x, codes):
        distances, (head, jaw) = self.sheets(x, codes)
        return self.uv(torch.where((distances[..., 0] <= distances[..., 1])[..., None], head, jaw))


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', type=Path, required=True, help='the figures, as JSON')
    arguments = parser.parse_args()
    truth, rows = Truth(arguments.data), {}
    kit = truth.skin.kit
    load = lambda name: trained(name, fields.make_deformation({s: fields.make_forward(s) for s in SHEETS}, torch.from_numpy(template_codes(kit))))
    for name in ('full', 'views', 'no-correspondence'):
        if (FOLDER / f'ablation-{name}.pt').exists():
            composed = Composed(load(f'ablation-{name}'))
            composed.model.corrected = name != 'no-correspondence'
            rows[name] = truth.surface(composed.distance) | truth.places(composed.chart)
    if (FOLDER / 'ablation-plain.pt').exists():
        plain = trained('ablation-plain', fields.PlainField())
        rows['plain'] = truth.surface(plain)
    for name, model in (('deformation', load('deformation')), ('deformation-views', load('deformation-views')), ('mean', load_deformation(kit))):
        composed = Composed(model)
        rows[name] = truth.surface(composed.distance) | truth.places(composed.chart)
    geometry = load_geometry(kit)
    rows['cycle'] = truth.places(lambda x, c: geometry.chart(x[0], c[0, :fields.DG], c[0, fields.DG:])[0][None])
    for name, row in rows.items():
        print(f'{name:24}', '  '.join(f'{k} {v:.3f}' for k, v in row.items()))
    arguments.out.write_text(json.dumps(rows, indent=1) + '\n')
