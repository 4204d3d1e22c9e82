"""Trains the geometry networks. Each step resumes from its checkpoint in CACHE/runs and can be run again with more minutes.

    python train.py template --sheet head         T, a sheet's signed distance in its canonical space; once more with --sheet jaw
    python train.py uv                            UV_T, the chart on canonical space
    python train.py forward --sheet head          F, canonical -> posed offsets, linear in the codes; once more with --sheet jaw
    python train.py inverse-uv-trunk              what g^-1 starts from
    python train.py inverse-uv                    g^-1, chart -> posed points, linear in the codes
    python train.py deformation                   D, posed -> canonical, and the correction of the distance (needs template and forward of both sheets)
    python train.py encoder                       picture and landmarks -> codes (needs the portraits of portraits.py and nothing else)

All need --data; --minutes is how long. `torchrun --nproc-per-node 4 train.py ...` shares a step among processes. Samples come from samples.py, the chart from atlas.py. `--threads 1` when two steps run side by side."""
from __future__ import annotations

import argparse

import numpy as np
import torch

import facekit as fk
import fields
from atlas import mirror_of
from encoder import SIDE, Encoder, Metric, mean_places, mirrors, ridge, start_from, upright, without_similarities
from fit import RANK, fit
from fields import SHEETS
from samples import Skin, template_codes

FOLDER = fk.cache_dir() / 'runs'


def tensors(path, *names):
    data = np.load(path)
    return [torch.from_numpy(data[n]) for n in names]


def pick(count, *arrays):
    i = torch.randint(0, len(arrays[0]), (count,))
    return [a[i] for a in arrays]


def trained(name: str, module: torch.nn.Module) -> torch.nn.Module:
    """The averaged weights of a finished step, or what restore.py read from the shipped networks."""
    path = FOLDER / f'{name}.pt'
    state = torch.load(path if path.exists() else FOLDER / f'{name}-init.pt', weights_only=True)
    module.load_state_dict(state['slow'])
    return module.requires_grad_(False)


def template(minutes, lr, data, sheet):
    x, d, corner, weight = tensors(fk.cache_dir() / 'samples' / f'template-{sheet}.npz', 'x', 'distance', 'corner', 'weight')
    skin = load_skin(data)[0]
    normals = torch.from_numpy(skin.sheet(sheet, skin.template).vertex_normal.astype(np.float32))
    surface = torch.nonzero(d.abs() < 1e-6)[:, 0]
    true_normal = lambda i: torch.nn.functional.normalize((normals[corner[i]] * weight[i][..., None]).sum(1), dim=1)
    held = torch.arange(0, len(x), 30)
    model = fields.make_template(sheet)

    def gradients(m, p, create):
        p = p.clone().requires_grad_(True)
        return torch.autograd.grad(m(p).sum(), p, create_graph=create)[0]

    def loss(step):
        i = torch.randint(0, len(x), (10240,))
        s = d[i]
        # Near the surface every micrometre counts, far from it the sign and the order of magnitude do.
        value = ((model(x[i])[:, 0] - s).abs() / (s.abs() + .002)).mean()
        j = surface[torch.randint(0, len(surface), (2048,))]
        return value + .1 * (gradients(model, x[j], True) - true_normal(j)).abs().sum(1).mean()

    def evaluate(m):
        with torch.no_grad():
            e = (torch.cat([m(p)[:, 0] for p in x[held].split(32768)]) - d[held]).abs() * 1000
        near = d[held].abs() < .001
        j = surface[:6000]
        with torch.enable_grad():
            cosine = torch.nn.functional.cosine_similarity(gradients(m, x[j], False), true_normal(j))
        return {'nearMeanMm': e[near].mean().item(), 'nearP95Mm': e[near].quantile(.95).item(), 'farMm': e[~near].mean().item(),
                'normalDeg': cosine.clamp(-1, 1).acos().mean().item() * 57.2958}
    fit(f'template-{sheet}', model, loss, FOLDER, minutes, lr, evaluate)


def uv(minutes, lr, data):
    x, d, t, w = tensors(fk.cache_dir() / 'samples' / 'template-skin.npz', 'x', 'distance', 'triangle', 'bary')
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


def forward(minutes, lr, data, sheet):
    skin, basis, _, _ = load_skin(data)
    x, corner, weight, d = tensors(fk.cache_dir() / 'samples' / f'template-{sheet}.npz', 'x', 'corner', 'weight', 'distance')
    model = fields.make_forward(sheet)
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
    fit(f'forward-{sheet}', model, loss, FOLDER, minutes, lr, evaluate)


class Chart:
    """Random places of the chart with what the generator does there."""

    def __init__(self, skin):
        atlas = np.load(fk.cache_dir() / 'atlas' / 'atlas.npz')
        self.tris, self.uv = torch.from_numpy(atlas['tris']), torch.from_numpy(atlas['uv'])
        v = skin.neutral[skin.triangles[:len(self.tris)]]
        area = np.linalg.norm(np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0]), axis=1)
        self.chance = torch.from_numpy(area * skin.importance(skin.triangles)[:len(self.tris)])
        basis, neutral = torch.from_numpy(skin.basis), torch.from_numpy(skin.neutral)
        self.columns = torch.cat([neutral[:, None], basis.permute(1, 0, 2)], 1)[:fk.SKIN].contiguous()     # [V, 159, 3]: the neutral, then a column per code

    def draw(self, count):
        """(uv [count, 2], triangle [count], barycentric [count, 3])"""
        t = torch.multinomial(self.chance, count, True)
        r1, r2 = torch.rand(count, 1).sqrt(), torch.rand(count, 1)
        w = torch.cat([1 - r1, r1 * (1 - r2), r1 * r2], 1)
        return self.at(self.uv, t, w), t, w

    def at(self, values, t, w):
        """Values per vertex [V, ...] at places: [count, ...]."""
        corner = values.flatten(1)[self.tris[t]]
        return (corner * w[..., None]).sum(1).view(len(t), *values.shape[1:])


def inverse_uv_trunk(minutes, lr, data, components=96):
    """The trunk learns the leading principal components of everything that must be told apart; the head, linear in the trunk's features, is then solved for.
    That is where `inverse-uv` starts."""
    skin, _, _, _ = load_skin(data)
    chart = Chart(skin)
    size = torch.cat([torch.full((1,), 4.), code_weight(skin.kit)])[:, None]
    flat = (chart.columns * size).flatten(1)
    mean = flat.mean(0)
    _, _, right = torch.linalg.svd(flat[::2] - mean, full_matrices=False)
    target = (flat - mean) @ right[:components].T                                                                # [V, components]
    model = fields.make_inverse_uv()

    class Learner(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk, self.head = model.trunk, torch.nn.Linear(model.trunk.size, components)

        def forward(self, u):
            return self.head(self.trunk(u / model.input_scale)) * fields.SCALE

    learner = Learner()

    def loss(step):
        u, t, w = chart.draw(3072)
        return (((learner(u) - chart.at(target, t, w)) ** 2).sum(1) + 1e-10).sqrt().mean() * 1000

    held = chart.draw(12000)

    def evaluate(m):
        with torch.no_grad():
            e = (m(held[0]) - chart.at(target, *held[1:])).norm(dim=1) * 1000
        return {'allMm': e.mean().item(), 'p95Mm': e.quantile(.95).item()}
    learner = fit('inverse-uv-trunk', learner, loss, FOLDER, minutes, lr, evaluate)

    model.trunk = learner.trunk
    gram, moment = 0., 0.
    with torch.no_grad():
        for _ in range(40):
            u, t, w = chart.draw(8192)
            h = model.features(u).double()
            h = torch.cat([h, torch.ones(len(h), 1)], 1)
            gram, moment = gram + h.T @ h, moment + h.T @ chart.at(chart.columns, t, w).flatten(1).double() / fields.SCALE
        solved = torch.linalg.solve(gram + 1e-7 * gram.diagonal().mean() * torch.eye(len(gram)), moment).float().view(len(gram), 159, 3)
        model.constant.weight.copy_(solved[:-1, 0].T)
        model.constant.bias.copy_(solved[-1, 0])
        model.basis.copy_(solved[:-1, 1:].permute(1, 0, 2))
        model.bias.copy_(solved[-1, 1:])
    torch.save({'module': model.state_dict(), 'slow': model.state_dict()}, FOLDER / 'inverse-uv-init.pt')


def inverse_uv(minutes, lr, data):
    """g^-1, trunk and head together, on what random codes would feel: independent codes add in squares."""
    skin, _, _, _ = load_skin(data)
    chart = Chart(skin)
    size = torch.cat([torch.full((1,), 2.), code_weight(skin.kit)])[:, None]
    model = fields.make_inverse_uv()

    def error(m, u, t, w):                                                                                        # [N, 159, 3] metres
        h = m.features(u)
        constant = m.constant(h) * fields.SCALE
        return torch.cat([constant[:, None], m.jacobian_of(h).transpose(1, 2)], 1) - chart.at(chart.columns, t, w)

    def loss(step):
        return (((error(model, *chart.draw(2048)) * size) ** 2).sum((1, 2)) + 1e-12).sqrt().mean() * 1000

    torch.manual_seed(7)
    held = chart.draw(6000)

    def evaluate(m):
        with torch.no_grad():
            e = error(m, *held) * 1000
        codes = (e[:, 1:] * size[1:]).square().sum((1, 2)).sqrt()
        return {'neutralMm': e[:, 0].norm(dim=1).mean().item(), 'codesMm': codes.mean().item(), 'codesP95Mm': codes.quantile(.95).item()}
    fit('inverse-uv', model, loss, FOLDER, minutes, lr, evaluate, pace=lambda name: .3 if name in ('basis', 'bias') else 1.)


def deformation(minutes, lr, data):
    skin, basis, neutral, template_v = load_skin(data)
    canonical = {s: tensors(fk.cache_dir() / 'samples' / f'template-{s}.npz', 'x', 'corner', 'weight', 'distance') for s in SHEETS}
    bank_codes, bank_x, bank_d = tensors(fk.cache_dir() / 'samples' / 'posed.npz', 'codes', 'x', 'distances')
    T = {s: trained(f'template-{s}', fields.make_template(s)) for s in SHEETS}
    for field in T.values():
        field.trunk.encoding.packed = field.trunk.encoding.pack()
    model = fields.make_deformation({s: trained(f'forward-{s}', fields.make_forward(s)).requires_grad_(True) for s in SHEETS}, torch.from_numpy(template_codes(skin.kit)))
    rng = np.random.default_rng(5 + RANK)
    faces, points = 24, {'head': 192, 'jaw': 80}
    heads, pairs_per_head = 16, 144

    def pairs(codes, sheet, i):
        """Posed places of a sheet's canonical samples i [S, P]: they move as the skin does, relative to the template."""
        x, corner, weight, _ = canonical[sheet]
        v = neutral - template_v + torch.tensordot(codes, basis, 1)                # [S, V, 3] motion from the template
        s = torch.arange(len(codes))[:, None, None]
        return x[i] + (v[s, corner[i]] * weight[i][..., None]).sum(2)

    def distances(m, x, codes):
        """[.., 2] to head and jaw."""
        return torch.stack([T[s](x1)[..., 0] + delta for s, (_, x1, delta) in m(x, codes).items()], -1)

    def bank_errors(m, codes, x, true):
        """On pairs [S, P, 2, 3] with true distances [S, P, 2, 3]: each sheet's relative error, the union's, and the error of the slope, all [..] with their weights."""
        f = distances(m, x.flatten(1, 2), codes).unflatten(1, (-1, 2))
        sheets, whole = true[..., 1:], true[..., 0]
        # A sheet's distance matters where it is the nearer one; the union counts once more.
        near = 1 / (1 + (sheets - sheets.amin(-1, keepdim=True)) / .004)
        each = (f - sheets).abs() / (sheets.abs() + .002) * near
        union = ((f.amin(-1) - whole).abs() / (whole.abs() + .002))[whole > 0]
        step = (x[..., 0, :] - x[..., 1, :]).norm(dim=-1, keepdim=True).clamp_min(1e-4)
        slope = ((f[..., 0, :] - f[..., 1, :]) - (sheets[..., 0, :] - sheets[..., 1, :])).abs() / step
        close = near[..., 0, :] / (1 + (sheets[..., 0, :] / .004) ** 2)
        return each.mean(), union.mean(), (slope * close).sum() / close.sum()

    def loss(step):
        codes = torch.from_numpy(skin.kit.random_codes(faces, rng))
        i = {s: torch.randint(0, len(canonical[s][0]), (faces, n)) for s, n in points.items()}
        posed = {s: pairs(codes, s, i[s]) for s in SHEETS}
        outputs = model.predict(torch.cat(list(posed.values()), 1), codes).split(list(points.values()), 1)
        total = 0.
        for sheet, out in zip(SHEETS, outputs):
            x, px, d = canonical[sheet][0][i[sheet]], posed[sheet], canonical[sheet][3][i[sheet]].abs()
            x0, x1, delta = model.sheet(sheet, px, codes, out)
            trust = 1 / (1 + d / .004)
            place = ((x1 - x).abs().sum(-1) * trust).mean()
            first = ((x0 - x).abs().sum(-1) * trust).mean()
            # F goes on learning beside D; its own loss keeps it the forward field, without which the residual would mean nothing.
            few = slice(0, x.shape[1] // 3)
            motion = ((model.forward_fields[sheet](x[:, few], codes - model.template_codes) - (px - x)[:, few]).abs().sum(-1) * trust[:, few]).mean()
            surface = d < 1e-6
            on = (T[sheet](x1)[..., 0] + delta).abs()[surface].mean()
            total = total + (1. if sheet == 'head' else .5) * (place + .3 * first + .5 * motion + 1.5 * on + .02 * delta[surface].abs().mean()) * 1000
        j = torch.randint(0, len(bank_codes), (heads,))
        k = torch.randint(0, bank_x.shape[1], (heads, pairs_per_head))
        each, union, slope = bank_errors(model, bank_codes[j], bank_x[j[:, None], k], bank_d[j[:, None], k])
        return total + 2 * each + 1.5 * union + 4 * slope

    held_codes = torch.from_numpy(skin.kit.random_codes(24, np.random.default_rng(99)))
    generator = torch.Generator().manual_seed(3)
    held_i = {}
    for s in SHEETS:
        surface = torch.nonzero(canonical[s][3].abs() < 1e-6)[:, 0]
        held_i[s] = surface[torch.randint(0, len(surface), (24, 1000), generator=generator)]
    held_bank = (bank_codes[-16:], bank_x[-16:, :1000], bank_d[-16:, :1000])
    bank_codes, bank_x, bank_d = bank_codes[:-16], bank_x[:-16], bank_d[:-16]

    def evaluate(m):
        out = {}
        with torch.no_grad():
            for s in SHEETS:
                px, x = pairs(held_codes, s, held_i[s]), canonical[s][0][held_i[s]]
                x0, x1, delta = m(px, held_codes)[s]
                e = (x1 - x).norm(dim=-1) * 1000
                out |= {f'{s}PredictedMm': ((x0 - x).norm(dim=-1) * 1000).median().item(), f'{s}CorrectedMm': e.median().item(), f'{s}P95Mm': e.flatten().quantile(.95).item(),
                        f'{s}SurfaceMm': (T[s](x1)[..., 0] + delta).abs().mean().item() * 1000}
            each, union, slope = bank_errors(m, *held_bank)
        return out | {'sheetError': each.item(), 'unionError': union.item(), 'slopeError': slope.item()}
    # What is multiplied by many codes at once moves far with a small step.
    pace = lambda name: .1 if name.startswith(('forward_fields', 'align')) or name == 'head.weight' else 1.
    fit('deformation', model, loss, FOLDER, minutes, lr, evaluate, pace=pace)


RIDGE = .01     # found on portraits: from .003 to .03 it makes no difference


class Portraits:
    """The portraits that portraits.py wrote, as the encoder sees them: image [N, 96, 96, 4] u8 unwrapped, shape [N, 468, 3], placement [N, 3, 4], codes [N, 158]."""

    def __init__(self, kind: str, encoder: Encoder, mean: np.ndarray):
        files = sorted((fk.cache_dir() / 'portraits').glob(f'{kind}-*.npz'))
        if not files:
            raise SystemExit(f'encoder: no portraits of kind {kind} in {fk.cache_dir() / "portraits"}. Run portraits.py first.')
        image, shape, placement, codes = [], [], [], []
        for file in files:
            stored = np.load(file)
            turned = [upright(points, mean) for points in stored['landmarks'].astype(np.float64)]
            shape += [s for s, _ in turned]
            placed = torch.tensor(np.array([p for _, p in turned], np.float32))
            for picture, p in zip(torch.from_numpy(stored['image']).split(64), placed.split(64)):
                image.append((encoder.unwrap(picture.float(), p) * torch.tensor([1., 1, 1, 255])).round().byte())
            placement.append(placed)
            codes.append(torch.from_numpy(stored['codes']))
        self.image, self.placement, self.codes = torch.cat(image), torch.cat(placement), torch.cat(codes)
        self.shape = torch.tensor(np.array(shape, np.float32))

    def __len__(self):
        return len(self.codes)

    def batch(self, i):
        return self.image[i].float() / 255, self.shape[i], self.placement[i], self.codes[i]


def encoder(minutes, lr, data, batch=64):
    kit = fk.FaceKit.load(data)
    mean = np.load(fk.cache_dir() / 'atlas' / 'landmarks.npz')['points468']
    model = Encoder()
    model.unwrap.places.copy_(torch.from_numpy(mean_places(kit)))
    train, held = Portraits('train', model, mean), Portraits('held-out', model, mean)
    metric, whole = Metric(kit), Metric(kit, fk.MOUTH_SOCKET[0])
    mirror = torch.from_numpy(mirrors(kit, mirror_of(kit.neutral[:fk.SKIN].astype(np.float64))))
    twin, flip = torch.from_numpy(mirror_of(mean)), torch.tensor([-1., 1, 1])
    both = torch.cat([train.shape, train.shape[:, twin] * flip]).flatten(1)
    model.shape_mean.copy_(both.mean(0))
    weights, bias = ridge(((both - model.shape_mean) * model.scale).numpy(), torch.cat([train.codes, train.codes @ mirror]).numpy(), RIDGE)
    start_from(model, weights, bias, metric)
    identity = torch.cat([torch.ones(fields.DG), torch.zeros(fields.DE)])

    texel = (torch.arange(SIDE) + .5) / SIDE

    def augmented(i):
        image, shape, placement, codes = train.batch(i)
        mirrored = torch.rand(len(i)) < .5
        image[mirrored] = image[mirrored].flip(2)
        shape[mirrored] = shape[mirrored][:, twin] * flip
        placement[mirrored] = placement[mirrored] * flip[:, None] * torch.cat([flip, torch.ones(1)])
        codes[mirrored] = codes[mirrored] @ mirror
        # The landmarks place the mean face to about a texel; and light may come from anywhere.
        angle, size, shift = .02 * torch.randn(len(i)), 1 + .015 * torch.randn(len(i)), .02 * torch.randn(len(i), 2)
        cos, sin = size * angle.cos(), size * angle.sin()
        jitter = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], 1).view(-1, 2, 3)
        grid = torch.nn.functional.affine_grid(jitter, (len(i), 4, SIDE, SIDE), align_corners=False)
        image = torch.nn.functional.grid_sample(image.permute(0, 3, 1, 2), grid, padding_mode='border', align_corners=False).permute(0, 2, 3, 1)
        slope = 1 + .4 * torch.randn(2, len(i), 1) * (texel - .5)
        image = image * torch.cat([(slope[0][:, None] * slope[1][:, :, None])[..., None] * (1 + .15 * torch.randn(len(i), 1, 1, 3)), torch.ones(len(i), SIDE, SIDE, 1)], 3)
        # Something before the face, that is known for what it is.
        low = torch.rand(2, len(i), 1) * 1.2 - .2
        high = low + torch.rand(2, len(i), 1) * .5 * (torch.rand(len(i), 1) < .5)
        behind = ((texel > low) & (texel < high)).float()      # [2, B, SIDE]
        image[..., 3] *= 1 - behind[0][:, None] * behind[1][:, :, None]
        grey = torch.rand(len(i)) < .1
        image[grey, :, :, :3] = image[grey, :, :, :3].mean(3, keepdim=True).expand(-1, -1, -1, 3)
        return image, shape + .0002 * torch.randn_like(shape), placement, codes

    def loss(step):
        image, *others, codes = augmented(torch.randint(0, len(train), (batch,)))
        # Half precision will do for pixels, not for places.
        with torch.autocast('cpu', torch.bfloat16):
            looks = model.look(image)
        g, e, doubt = model.answer(torch.nn.functional.dropout(looks.float(), .2), *others)
        d = torch.cat([g, e], 1) - codes
        posed = metric(d)
        # How sure it is must not pull on what it says: the error is data to the doubt.
        square = posed.detach().square()
        doubted = (.5 * (doubt + square * (-doubt).exp())).mean()
        return posed.mean() + metric(d * identity).mean() + .3 * metric(d * (1 - identity)).mean() + .1 * whole(d).mean() + .002 * d.square().sum(1).mean() + .1 * doubted

    show = torch.randperm(len(held), generator=torch.Generator().manual_seed(0))[:512]
    offsets = torch.from_numpy(1000 * without_similarities(kit.basis[:, :fk.NARROW_FACE:3].reshape(158, -1).astype(np.float64), kit.neutral[:fk.NARROW_FACE:3].astype(np.float64))).float()
    median = lambda d: (d @ offsets).view(len(d), -1, 3).norm(dim=-1).median().item()

    def evaluate(m):
        with torch.no_grad():
            parts = [(*m.codes(*inputs), codes) for *inputs, codes in (held.batch(i) for i in show.split(128))]
            g, e, doubt, codes = (torch.cat(a) for a in zip(*parts))
            d = torch.cat([g, e], 1) - codes
            linear = m.linear(m.squeeze((held.shape[show].flatten(1) - m.shape_mean) * m.scale)) - codes
            error = metric(d)
            rank = lambda a: a.argsort().argsort().float()
            return {'identityMm': median(d * identity), 'posedMm': median(d), 'linearIdentityMm': median(linear * identity), 'linearPosedMm': median(linear), 'rmsMm': error.mean().item(),
                    'doubtMm': (doubt / 2).exp().mean().item(), 'doubtRank': torch.corrcoef(torch.stack([rank(doubt), rank(error)]))[0, 1].item()}
    print('before training: ' + '  '.join(f'{k} {v:.4g}' for k, v in evaluate(model).items()), flush=True)
    pace = lambda name: .2 if name.startswith(('squeeze', 'linear')) else 1.      # they are good already
    fit('encoder', model, loss, FOLDER, minutes, lr, evaluate, pace=pace)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = {'template': template, 'uv': uv, 'forward': forward, 'inverse-uv-trunk': inverse_uv_trunk, 'inverse-uv': inverse_uv, 'deformation': deformation, 'encoder': encoder}
    parser.add_argument('step', choices=steps)
    parser.add_argument('--data', required=True)
    parser.add_argument('--sheet', choices=SHEETS, help='which solid: needed by template and forward')
    parser.add_argument('--minutes', type=float, default=10)
    parser.add_argument('--lr', type=float, default=2e-3)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--compile', action='store_true', help='fuse operations first: steps of `deformation` are a fifth faster after a minute or two (needs a C++ compiler)')
    parser.add_argument('--seed', type=int, default=0)
    a = parser.parse_args()
    per_sheet = a.step in ('template', 'forward')
    if per_sheet != (a.sheet is not None):
        parser.error(f'{a.step} needs --sheet' if per_sheet else f'{a.step} takes no --sheet')
    torch.manual_seed(a.seed + RANK)
    torch.set_num_threads(a.threads)
    if a.compile:
        for module, name in ((fields.Deformation, 'predict'), (fields.Deformation, 'sheet'), (fields.StaticField, 'forward')):
            setattr(module, name, torch.compile(getattr(module, name)))
    steps[a.step](a.minutes, a.lr, a.data, *([a.sheet] if per_sheet else []))
