"""Trains the geometry networks. Each step resumes from its checkpoint in CACHE/runs and can be run again with more minutes.

    python train.py template   --minutes 15       T, the template's signed distance
    python train.py uv         --minutes 6        UV_T, the chart on canonical space
    python train.py forward    --minutes 5        F, canonical -> posed offsets, linear in the codes
    python train.py inverse-uv --minutes 10       g^-1, chart -> posed points, linear in the codes
    python train.py deformation --minutes 45      D, posed -> canonical, and the correction of the distance (needs template and forward)

Samples come from samples.py, the chart from atlas.py. `--threads 1` when two steps run side by side."""
from __future__ import annotations

import argparse

import numpy as np
import torch

import facekit as fk
import fields
from fit import fit
from samples import Skin, template_codes

FOLDER = fk.cache_dir() / 'runs'


def tensors(path, *names):
    data = np.load(path)
    return [torch.from_numpy(data[n]) for n in names]


def pick(count, *arrays):
    i = torch.randint(0, len(arrays[0]), (count,))
    return [a[i] for a in arrays]


def trained(name: str, module: torch.nn.Module) -> torch.nn.Module:
    """The averaged weights of a finished step."""
    state = torch.load(FOLDER / f'{name}.pt', weights_only=True)
    module.load_state_dict(state['slow'])
    return module.requires_grad_(False)


def template(minutes, lr):
    x, d = tensors(fk.cache_dir() / 'samples' / 'template.npz', 'x', 'distance')
    held_x, held_d = x[::30], d[::30]
    model = fields.make_template()

    def loss(step):
        p, s = pick(12288, x, d)
        f = model(p)[:, 0]
        # Near the surface every micrometre counts, far from it the sign and the order of magnitude do.
        return ((f - s).abs() / (s.abs() + .002)).mean()

    def evaluate(m):
        with torch.no_grad():
            e = (torch.cat([m(p)[:, 0] for p in held_x.split(32768)]) - held_d).abs() * 1000
        near = held_d.abs() < .001
        return {'nearMeanMm': e[near].mean().item(), 'nearP95Mm': e[near].quantile(.95).item(), 'farMm': e[~near].mean().item()}
    fit('template', model, loss, FOLDER, minutes, lr, evaluate)


def uv(minutes, lr):
    x, d, t, w = tensors(fk.cache_dir() / 'samples' / 'template.npz', 'x', 'distance', 'triangle', 'bary')
    atlas = np.load(fk.cache_dir() / 'atlas' / 'atlas.npz')
    tris, chart = torch.from_numpy(atlas['tris']), torch.from_numpy(atlas['uv'])
    use = (t < len(tris)) & (d.abs() < .004)
    x, t, w = x[use], t[use], w[use]
    target = (chart[tris[t]] * w[..., None]).sum(1)
    model = fields.make_uv()

    def loss(step):
        p, g = pick(12288, x, target)
        return (model(p) - g).abs().sum(-1).mean() * 100

    def evaluate(m):
        with torch.no_grad():
            e = (m(x[:60000]) - target[:60000]).norm(dim=-1) * 1024
        return {'medianTexels': e.median().item(), 'p95Texels': e.quantile(.95).item()}
    fit('uv', model, loss, FOLDER, minutes, lr, evaluate)


def load_skin(data):
    skin = Skin.of(fk.FaceKit.load(data))
    return skin, torch.from_numpy(skin.basis), torch.from_numpy(skin.neutral), torch.from_numpy(skin.template)


def code_weight(kit):
    """[158] how large a code usually is: N(0,1) for identity, about what random expressions use otherwise."""
    return torch.cat([torch.ones(fields.DG), torch.full((fields.DE,), .5)])


def forward(minutes, lr, data):
    skin, basis, _, _ = load_skin(data)
    x, corner, weight, d = tensors(fk.cache_dir() / 'samples' / 'template.npz', 'x', 'corner', 'weight', 'distance')
    model = fields.make_forward()
    flat = basis.permute(1, 0, 2).reshape(len(basis[0]), -1).contiguous()          # [V, 158 * 3]
    size = code_weight(skin.kit)[:, None]

    def error(m, i):
        phi = (flat[corner[i]] * weight[i][..., None]).sum(1).view(len(i), -1, 3)  # [B, 158, 3]
        return (m.jacobian(x[i]).transpose(1, 2) - phi) * size

    def loss(step):
        i = torch.randint(0, len(x), (3072,))
        e = error(model, i)
        # What random codes would feel: independent codes add in squares.
        return ((e ** 2).sum((1, 2)) + 1e-10).sqrt().mean() * 1000

    def evaluate(m):
        i = torch.arange(0, len(x), 200)
        with torch.no_grad():
            e = (error(m, i) ** 2).sum((1, 2)).sqrt() * 1000
        on = d[i].abs() < .0005
        return {'rmsMmSurface': e[on].mean().item(), 'p95MmSurface': e[on].quantile(.95).item(), 'rmsMmOff': e[~on].mean().item()}
    fit('forward', model, loss, FOLDER, minutes, lr, evaluate)


def inverse_uv(minutes, lr, data, components=96):
    """The trunk learns the leading principal components of everything that must be told apart; the head, linear in the trunk's features, is then solved for."""
    skin, basis, neutral, _ = load_skin(data)
    atlas = np.load(fk.cache_dir() / 'atlas' / 'atlas.npz')
    tris, chart = torch.from_numpy(atlas['tris']), torch.from_numpy(atlas['uv'])
    full = torch.cat([neutral[:, None], basis.permute(1, 0, 2)], 1)[:fk.SKIN]                                     # [V, 159, 3]
    size = torch.cat([torch.full((1,), 4.), code_weight(skin.kit)])[:, None]
    flat = (full * size).reshape(fk.SKIN, -1)
    mean = flat.mean(0)
    _, _, right = torch.linalg.svd(flat[::2] - mean, full_matrices=False)
    target = (flat - mean) @ right[:components].T                                                                # [V, components]
    v = skin.neutral[skin.triangles[:len(tris)]]
    area = np.linalg.norm(np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0]), axis=1)
    chance = torch.from_numpy(area * skin.importance()[:len(tris)])
    model = fields.make_inverse_uv()

    class Learner(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk, self.head = model.trunk, torch.nn.Linear(model.trunk.size, components)

        def forward(self, u):
            return self.head(self.trunk(u / model.input_scale)) * fields.SCALE

    def draw(count):
        t = torch.multinomial(chance, count, True)
        r1, r2 = torch.rand(count, 1).sqrt(), torch.rand(count, 1)
        w = torch.cat([1 - r1, r1 * (1 - r2), r1 * r2], 1)
        return (chart[tris[t]] * w[..., None]).sum(1), t, w

    at = lambda values, t, w: (values[tris[t]] * w[..., None]).sum(1)
    learner = Learner()

    def loss(step):
        u, t, w = draw(3072)
        return (((learner(u) - at(target, t, w)) ** 2).sum(1) + 1e-10).sqrt().mean() * 1000

    held = draw(12000)

    def evaluate(m):
        with torch.no_grad():
            e = (m(held[0]) - at(target, *held[1:])).norm(dim=1) * 1000
        return {'allMm': e.mean().item(), 'p95Mm': e.quantile(.95).item()}
    learner = fit('inverse-uv-trunk', learner, loss, FOLDER, minutes, lr, evaluate)

    # Ridge regression of the true offsets on the trunk's features, in double precision.
    model.trunk.load_state_dict(learner.trunk.state_dict())
    columns = full.reshape(fk.SKIN, -1) / fields.SCALE
    gram, moment = 0., 0.
    with torch.no_grad():
        for _ in range(40):
            u, t, w = draw(8192)
            h = model.features(u).double()
            h = torch.cat([h, torch.ones(len(h), 1)], 1)
            gram, moment = gram + h.T @ h, moment + h.T @ at(columns, t, w).double()
        solved = torch.linalg.solve(gram + 1e-7 * gram.diagonal().mean() * torch.eye(len(gram)), moment).float().view(len(gram), 159, 3)
        model.constant.weight.copy_(solved[:-1, 0].T)
        model.constant.bias.copy_(solved[-1, 0])
        model.basis.copy_(solved[:-1, 1:].permute(1, 0, 2))
        model.bias.copy_(solved[-1, 1:])
        e = (torch.cat([model.constant(model.features(held[0]))[:, None] * fields.SCALE, model.jacobian(held[0]).transpose(1, 2)], 1) - at(full.flatten(1), *held[1:]).view(-1, 159, 3)) * 1000
    random = (e[:, 1:] * code_weight(skin.kit)[:, None]).square().sum((1, 2)).sqrt()
    print(f'inverse UV: neutral {e[:, 0].norm(dim=1).mean():.3f} mm mean, {e[:, 0].norm(dim=1).quantile(.95):.3f} mm 95 %; all codes at once {random.mean():.3f} mm')
    torch.save({'slow': model.state_dict()}, FOLDER / 'inverse-uv.pt')


def deformation(minutes, lr, data, name='deformation'):
    skin, basis, neutral, template_v = load_skin(data)
    x, corner, weight, d = tensors(fk.cache_dir() / 'samples' / 'template.npz', 'x', 'corner', 'weight', 'distance')
    bank_codes, bank_x, bank_d = tensors(fk.cache_dir() / 'samples' / 'posed.npz', 'codes', 'x', 'distance')
    T = trained('template', fields.make_template())
    model = fields.make_deformation(trained('forward', fields.make_forward()).requires_grad_(True), torch.from_numpy(template_codes(skin.kit)))
    rng = np.random.default_rng(5)
    faces, points = 24, 256

    def pairs(codes, i):
        """Posed places of canonical samples i [S, P]: they move as the skin does, relative to the template."""
        v = neutral - template_v + torch.tensordot(codes, basis, 1)                # [S, V, 3] motion from the template
        s = torch.arange(len(codes))[:, None, None]
        return x[i] + (v[s, corner[i]] * weight[i][..., None]).sum(2)

    def loss(step):
        codes = torch.from_numpy(skin.kit.random_codes(faces, rng))
        i = torch.randint(0, len(x), (faces, points))
        px = pairs(codes, i)
        x0, x1, delta = model(px, codes)
        o = d[i].abs()
        trust = 1 / (1 + o / .004)
        place = ((x1 - x[i]).abs().sum(-1) * trust).mean() * 1000
        first = ((x0 - x[i]).abs().sum(-1) * trust).mean() * 1000
        # F goes on learning beside D; its own loss keeps it the forward field, without which the residual would mean nothing.
        motion = ((model.forward_field(x[i], codes - model.template_codes) - (px - x[i])).abs().sum(-1) * trust).mean() * 1000
        surface = o < 1e-6
        on = (T(x1)[..., 0] + delta).abs()[surface].mean() * 1000
        j = torch.randint(0, len(bank_codes), (14,))
        k = torch.randint(0, bank_x.shape[1], (14, 256))
        bx, bd = bank_x[j[:, None], k], bank_d[j[:, None], k]
        _, b1, bdelta = model(bx, bank_codes[j])
        f = T(b1)[..., 0] + bdelta
        sdf = ((f - bd).abs() / (bd.abs() + .002)).mean()
        return place + .3 * first + .5 * motion + on + 1.5 * sdf + .02 * delta[surface].abs().mean() * 1000

    held_codes = torch.from_numpy(skin.kit.random_codes(24, np.random.default_rng(99)))
    surface = torch.nonzero(d.abs() < 1e-6)[:, 0]
    held_i = surface[torch.randint(0, len(surface), (24, 3000), generator=torch.Generator().manual_seed(3))]
    held_bank = (bank_codes[-16:], bank_x[-16:, :3000], bank_d[-16:, :3000])
    bank_codes, bank_x, bank_d = bank_codes[:-16], bank_x[:-16], bank_d[:-16]

    def evaluate(m):
        with torch.no_grad():
            px = pairs(held_codes, held_i)
            x0, x1, delta = m(px, held_codes)
            e0, e1 = (x0 - x[held_i]).norm(dim=-1) * 1000, (x1 - x[held_i]).norm(dim=-1) * 1000
            f = (T(x1)[..., 0] + delta).abs() * 1000
            _, b1, bdelta = m(held_bank[1], held_bank[0])
            g = T(b1)[..., 0] + bdelta
            wrong = ((g * held_bank[2] < 0) & (held_bank[2].abs() > .001)).float().mean()
        return {'predictedMm': e0.median().item(), 'correctedMm': e1.median().item(), 'p95Mm': e1.flatten().quantile(.95).item(), 'surfaceMm': f.mean().item(),
                'surfaceP95Mm': f.flatten().quantile(.95).item(), 'wrongSign': wrong.item(), 'sdfMm': ((g - held_bank[2]).abs().mean() * 1000).item()}
    fit(name, model, loss, FOLDER, minutes, lr, evaluate)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('step', choices=['template', 'uv', 'forward', 'inverse-uv', 'deformation'])
    parser.add_argument('--data', help='needed by forward, inverse-uv and deformation')
    parser.add_argument('--minutes', type=float, default=10)
    parser.add_argument('--lr', type=float, default=2e-3)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--seed', type=int, default=0)
    arguments = parser.parse_args()
    if arguments.step not in ('template', 'uv') and not arguments.data:
        parser.error(f'{arguments.step} needs --data')
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    a = arguments
    {'template': lambda: template(a.minutes, a.lr), 'uv': lambda: uv(a.minutes, a.lr), 'forward': lambda: forward(a.minutes, a.lr, a.data),
     'inverse-uv': lambda: inverse_uv(a.minutes, a.lr, a.data), 'deformation': lambda: deformation(a.minutes, a.lr, a.data)}[a.step]()
