"""Pictures of the geometry where it is hardest: neutral, full blink, jawOpen, smile with blink, and pucker on five random identities, sphere traced.

    python gate.py --data DATA --out gate.png"""
from __future__ import annotations

import argparse

import numpy as np
import torch
from PIL import Image

import facekit as fk
import fields
from export import load_geometry

POSES = {'neutral': {}, 'blink': {'eyeBlink_L': 1, 'eyeBlink_R': 1}, 'jawOpen': {'jawOpen': 1},
         'smile + blink': {'mouthSmile_L': 1, 'mouthSmile_R': 1, 'eyeBlink_L': 1, 'eyeBlink_R': 1}, 'pucker': {'mouthPucker': 1}}
SHADES = torch.tensor([[.80, .74, .70], [.95, .95, .95], [.95, .95, .95], [.98, .96, .88], [.98, .96, .88], [.85, .45, .45]])


def picture(geometry, codes, width=200, height=250):
    """[height, width, 3]: rays from a portrait camera, 90 steps of the distance, normals by its gradient."""
    g, e = codes[:100], codes[100:]
    y, x = torch.meshgrid(torch.arange(height) + .5, torch.arange(width) + .5, indexing='ij')
    eye = torch.tensor([0., 0., 1.1])
    target = torch.stack([(x - width / 2) / width * .24, -(y - height / 2) / width * .24 - .005, torch.full_like(x, .05)], -1).reshape(-1, 3)
    direction = torch.nn.functional.normalize(target - eye, dim=1)
    t = torch.full((len(direction),), .86)
    alive = torch.ones(len(t), dtype=torch.bool)
    with torch.no_grad():
        for _ in range(90):
            i = torch.nonzero(alive)[:, 0]
            if not len(i):
                break
            d = geometry.sdf(eye + t[i, None] * direction[i], g, e)[0]
            t[i] += .8 * d
            alive[i] = (d.abs() > 5e-5) & (t[i] < 1.35)
    p = eye + t[:, None] * direction
    hit = t < 1.3
    with torch.enable_grad():
        q = p[hit].clone().requires_grad_(True)
        d, parts, _ = geometry.sdf(q, g, e)
        normal = torch.nn.functional.normalize(torch.autograd.grad(d.sum(), q)[0], dim=1)
    light = torch.nn.functional.normalize(torch.tensor([[-.5, .6, .7], [.8, .1, .5]]), dim=1)
    shade = (normal @ light.T).clamp(min=0) @ torch.tensor([.75, .22]) + .12
    out = torch.ones(len(t), 3)
    out[hit] = SHADES[parts.argmin(1)] * shade[:, None]
    return (out.clamp(0, 1) ** .4545 * 255).byte().view(height, width, 3).numpy()


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', default='gate.png')
    parser.add_argument('--identities', type=int, default=5)
    parser.add_argument('--seed', type=int, default=11)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    kit = fk.FaceKit.load(arguments.data)
    geometry = load_geometry(kit)
    for module in geometry.modules():
        if isinstance(module, fields.WrappedGrids):
            module.packed = module.pack()
    rng = np.random.default_rng(arguments.seed)
    rows = []
    for _ in range(arguments.identities):
        identity = rng.standard_normal(100)
        row = []
        for pose in POSES.values():
            codes = np.zeros(158, np.float32)
            codes[:100] = identity
            for name, weight in pose.items():
                codes[100 + kit.names.index(name)] = weight
            row.append(picture(geometry, torch.from_numpy(codes)))
        rows.append(np.concatenate(row, 1))
    Image.fromarray(np.concatenate(rows)).save(arguments.out)
    print('wrote', arguments.out)
