"""Trains the networks, one experiment at a time. An experiment is a file of `experiments/`: which step, for how long, with what weights of its losses.

    python train.py template-head --data DATA     T of the head, its signed distance in its canonical space; then template-jaw
    python train.py uv                            UV_T, the chart on canonical space
    python train.py forward-head                  F of the head, canonical -> posed offsets, linear in the codes; then forward-jaw
    python train.py inverse-uv-trunk              what g^-1 starts from
    python train.py inverse-uv                    g^-1, chart -> posed points, linear in the codes
    python train.py deformation                   D, posed -> canonical, and the correction of the distance (needs template and forward of both solids)
    python train.py encoder                       picture and landmarks -> codes (needs the portraits of portraits.py and nothing else)
    python train.py refinement                    a second look at what the encoder answered

Each resumes from its checkpoint in CACHE/runs and can be run again with more minutes. `torchrun --nproc-per-node 4 train.py ...` shares a step among processes. Samples come from samples.py,
the chart from atlas.py. `--threads 1` when two experiments run side by side."""
from __future__ import annotations

import argparse
import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

import facekit as fk
import fields
from deformation import DeformationTraining, PlainTraining
from encoder import FACING, GRID, SIDE, Encoder, Metric, Refinement, cylinder, mean_places, mirror_points, mirrored, ridge, start_from, upright, without_similarities
from fields import SHEETS
from fit import FOLDER, RANK, fit, trained
from samples import Skin, stored
from surface import interpolate
from unwrap import unwrap_batch

EXPERIMENTS = Path(__file__).parent / 'experiments'
RIDGE = .01             # of the linear map that the encoder starts from; from .003 to .03 it makes no difference


def settings(name: str) -> dict:
    """What an experiment's file says. One with a `base` says only what it changes in that; a loss of weight 0 is left out."""
    path = EXPERIMENTS / f'{name}.toml'
    if not path.exists():
        raise SystemExit(f'train: there is no experiment {name}. There are: {", ".join(sorted(p.stem for p in EXPERIMENTS.glob("*.toml")))}')
    own = tomllib.loads(path.read_text())
    base = settings(own.pop('base')) if 'base' in own else {}
    loss = {k: weight for k, weight in (base.get('loss', {}) | own.get('loss', {})).items() if weight}
    return base | own | {'loss': loss}


@dataclass
class Experiment:
    """A file of `experiments/`, with what the command line overrides. Its name is its checkpoint's."""
    name: str
    step: str
    minutes: float
    lr: float
    data: str = ''
    sheet: str = ''                                                            # of template and forward: head or jaw
    threads: int = 2
    compile: bool = False
    seed: int = 0
    start: str | None = None                                                   # the run whose weights it begins with
    neck: int = 1                                                              # how much oftener than elsewhere D's places are drawn on neck and shoulders
    corrected: bool = True                                                     # False leaves out D's residual step by F
    loss: dict[str, float] = field(default_factory=dict)                       # weights of the step's losses

    @staticmethod
    def load(name: str, **overrides) -> 'Experiment':
        return Experiment(name, **settings(name) | {k: v for k, v in overrides.items() if v is not None})

    def fit(self, module: torch.nn.Module, loss, evaluate=None, pace=lambda name: 1.) -> torch.nn.Module:
        return fit(self.name, module, loss, FOLDER, self.minutes, self.lr, evaluate, pace=pace, start=self.start)


def template(run):
    data, sheet = run.data, run.sheet
    x, d, corner, weight = stored(f'template-{sheet}', 'x', 'distance', 'corner', 'weight')
    skin = Skin.of(fk.FaceKit.load(data))
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
    run.fit(model, loss, evaluate)


def uv(run):
    x, d, t, w = stored('template-skin', 'x', 'distance', 'triangle', 'bary')
    skin = Skin.of(fk.FaceKit.load(run.data))
    places = np.load(fk.cache_dir() / 'atlas' / 'atlas.npz')['uv']
    # The wall under the neck has the rim's places.
    tris, chart = torch.from_numpy(skin.triangles[:-len(skin.rim)]), torch.from_numpy(np.concatenate([places, places[skin.rim]]))
    use = (t < len(tris)) & (d.abs() < .004)
    x, t, w = x[use], t[use], w[use]
    target = (chart[tris[t]] * w[..., None]).sum(1)
    model = fields.make_uv()

    def loss(step):
        i = torch.randint(0, len(x), (12288,))
        return (model(x[i]) - target[i]).abs().sum(-1).mean() * 100

    def evaluate(m):
        with torch.no_grad():
            e = (m(x[:60000]) - target[:60000]).norm(dim=-1) * 1024
        return {'medianTexels': e.median().item(), 'p95Texels': e.quantile(.95).item()}
    run.fit(model, loss, evaluate)


def code_weight(kit):
    """[158] how large a code usually is: N(0,1) for identity, about what random expressions use otherwise."""
    return torch.cat([torch.ones(fields.DG), torch.full((fields.DE,), .5)])


def forward(run):
    skin = Skin.of(fk.FaceKit.load(run.data))
    basis = torch.from_numpy(skin.basis)
    sheet = run.sheet
    x, corner, weight, d = stored(f'template-{sheet}', 'x', 'corner', 'weight', 'distance')
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
    run.fit(model, loss, evaluate)


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


def inverse_uv_trunk(run, components=96):
    """The trunk learns the leading principal components of everything that must be told apart; the head, linear in the trunk's features, is then solved for.
    That is where `inverse-uv` starts."""
    skin = Skin.of(fk.FaceKit.load(run.data))
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
    learner = run.fit(learner, loss, evaluate)

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


def inverse_uv(run):
    """g^-1, trunk and head together, on what random codes would feel: independent codes add in squares."""
    skin = Skin.of(fk.FaceKit.load(run.data))
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
    run.fit(model, loss, evaluate, pace=lambda name: .3 if name in ('basis', 'bias') else 1.)


def deformation(run):
    training = DeformationTraining(run.data, run.loss, run.corrected, run.neck)
    # What is multiplied by many codes at once moves far with a small step.
    pace = lambda name: .1 if name.startswith(('forward_fields', 'align')) or name == 'head.weight' else 1.
    run.fit(training.model, lambda step: training.loss(), training.evaluate, pace)


def plain(run):
    training = PlainTraining(run.loss)
    run.fit(training.model, lambda step: training.loss(), training.evaluate)


class Portraits:
    """The portraits that portraits.py wrote, as the encoder sees them: picture [N, 160, 160, 3] u8, shape [N, 468, 3], placement [N, 3, 4], codes [N, 158]."""

    def __init__(self, kind: str, mean: np.ndarray):
        files = sorted((fk.cache_dir() / 'portraits').glob(f'{kind}-*.npz'))
        if not files:
            raise SystemExit(f'encoder: no portraits of kind {kind} in {fk.cache_dir() / "portraits"}. Run portraits.py first.')
        stored = [np.load(file) for file in files]
        together = lambda key: np.concatenate([s[key] for s in stored])
        self.picture, self.codes = torch.from_numpy(together('image')), torch.from_numpy(together('codes'))
        self.landmarks = together('landmarks').astype(np.float64)
        shapes, placements = zip(*(upright(points, mean) for points in self.landmarks))
        self.shape, self.placement = (torch.from_numpy(np.array(a, np.float32)) for a in (shapes, placements))

    def __len__(self):
        return len(self.codes)

    def batch(self, i):
        return self.picture[i].float() / 255, self.shape[i], self.placement[i], self.codes[i]


class AnsweredPortraits(Portraits):
    """The same as a refinement sees them: `first` [N, 158] is what an encoder answered, `shape` and `placement` are to the answered faces."""

    def __init__(self, kind: str, mean: np.ndarray, kit: fk.FaceKit, first: Encoder, inflation: float = 1.):
        super().__init__(kind, mean)
        self.first = answers(kind, first, self)
        # The encoder knows its own portraits better than others.
        self.first = self.codes + inflation * (self.first - self.codes)
        marks = np.load(fk.cache_dir() / 'atlas' / 'landmarks.npz')
        corners, weights = marks['triangle'], marks['weights']
        moves = (kit.basis[:, corners] * weights[..., None]).sum(2).astype(np.float64)                          # [158, 468, 3]
        for n in range(len(self)):
            face = mean + np.tensordot(self.first[n].numpy().astype(np.float64), moves, 1)
            shape, placement = upright(self.landmarks[n], face)
            self.shape[n], self.placement[n] = torch.from_numpy(shape - face), torch.from_numpy(placement)
        offsets = interpolate(kit.basis.transpose(1, 0, 2).reshape(-1, 3 * len(kit.basis)), *cylinder(kit, GRID)).reshape(GRID ** 2, -1, 3)
        self.grid = torch.from_numpy(np.ascontiguousarray(offsets.transpose(1, 0, 2), np.float32)).flatten(1)      # [158, GRID^2 3]

    def offsets(self, codes):
        return (codes @ self.grid).view(-1, GRID, GRID, 3)


def answers(kind: str, model: Encoder, portraits: Portraits) -> torch.Tensor:
    """[N, 158] what an encoder says of portraits; kept in the cache, for it takes minutes."""
    state = hashlib.sha256(b''.join(v.numpy().tobytes() for v in model.state_dict().values())).hexdigest()
    path = FOLDER / f'answers-{kind}.pt'
    stored = torch.load(path, weights_only=True) if path.exists() else {}
    if stored.get('state') != state or len(stored['codes']) != len(portraits):
        with torch.no_grad():
            parts = [torch.cat(model(*portraits.batch(i)[:3])[:2], 1) for i in tqdm(torch.arange(len(portraits)).split(128), desc=f'answers {kind}', mininterval=20)]
        stored = {'state': state, 'codes': torch.cat(parts)}
        torch.save(stored, path)
    return stored['codes']


INFLATION = 1.08        # the encoder's errors on held-out portraits by those on its own
JITTER, REFINED_JITTER = 1., .3     # how far off the picture is placed: the landmarks place the mean face to about two millimetres


def encoder(run):
    kit, mean = fk.FaceKit.load(run.data), np.load(fk.cache_dir() / 'atlas' / 'landmarks.npz')['points468']
    model, metric = Encoder(), Metric(kit)
    model.unwrap.places.copy_(torch.from_numpy(mean_places(kit)))
    train, held = Portraits('train', mean), Portraits('held-out', mean)
    twin, mirror = mirrored(kit, mean)
    both = torch.cat([train.shape, train.shape[:, twin] * torch.tensor([-1., 1, 1])]).flatten(1)
    model.shape_mean.copy_(both.mean(0))
    weights, bias = ridge(((both - model.shape_mean) * model.scale).numpy(), torch.cat([train.codes, train.codes @ mirror]).numpy(), RIDGE)
    start_from(model, weights, bias, metric)
    train_encoder(run, kit, model, train, held, (twin, mirror), JITTER)


def refinement(run):
    """What looks again at the encoder's answers. It begins with the encoder's convolutions."""
    kit, mean = fk.FaceKit.load(run.data), np.load(fk.cache_dir() / 'atlas' / 'landmarks.npz')['points468']
    first, model = trained('encoder', Encoder()), Refinement()
    train, held = AnsweredPortraits('train', mean, kit, first, INFLATION), AnsweredPortraits('held-out', mean, kit, first)
    own = model.state_dict()
    own.update({k: v for k, v in first.state_dict().items() if own[k].shape == v.shape})
    model.load_state_dict(own)
    with torch.no_grad():
        model.mix.weight[:, :first.mix.weight.shape[1]] = first.mix.weight
        for zero in (model.mix.weight[:, first.mix.weight.shape[1]:], model.shape_mean, *model.correct.parameters()):
            zero.zero_()
    weights, _ = ridge((train.shape.flatten(1) * model.scale).numpy(), (train.codes - train.first).numpy(), RIDGE)
    start_from(model, .5 * weights, np.zeros(fields.DG + fields.DE), Metric(kit))
    train_encoder(run, kit, model, train, held, mirrored(kit, mean), REFINED_JITTER)


def train_encoder(run, kit, model, train, held, mirrors, jitter, batch=64):
    """Trains an encoder, or a refinement where portraits are answered."""
    twin, mirror = mirrors
    metric, whole = Metric(kit), Metric(kit, fk.MOUTH_SOCKET[0])
    identity = torch.cat([torch.ones(fields.DG), torch.zeros(fields.DE)])
    texel = (torch.arange(SIDE) + .5) / SIDE
    places, refines = model.unwrap.places[None], isinstance(model, Refinement)

    def augmented(i):
        picture, shape, placement, codes = train.picture[i], train.shape[i], train.placement[i], train.codes[i]
        side = torch.rand(len(i)) < .5
        shape[side], placement[side] = mirror_points(shape[side], placement[side], twin)
        codes[side] = codes[side] @ mirror
        known, at = (), places
        if refines:
            first = train.first[i]
            first[side] = first[side] @ mirror
            known, at = (first,), places + model.fine(train.offsets(first))
        # Light may come from anywhere.
        angle, size, shift = (jitter * spread * torch.randn(len(i), *more) for spread, more in ((.02, ()), (.015, ()), (.01, (2,))))
        cos, sin, none = (1 + size) * angle.cos(), (1 + size) * angle.sin(), torch.zeros(len(i))
        turn = torch.stack([cos, -sin, none, sin, cos, none, none, none, 1 + size], 1).view(-1, 3, 3)
        placement_drawn = turn @ placement + torch.nn.functional.pad(shift, (0, 1))[:, :, None] * torch.tensor([0., 0, 0, 1])
        slope = 1 + .4 * torch.randn(2, len(i), 1) * (texel - .5)
        tints = 1 + .15 * torch.randn(len(i), 3)
        # Something before the face, that is known for what it is.
        low = torch.rand(2, len(i)) * 1.2 - .2
        high = low + torch.rand(2, len(i)) * .5 * (torch.rand(len(i)) < .5)
        hidden = torch.stack([low[0], high[0], low[1], high[1]], 1) * SIDE - .5
        image = torch.empty(len(i), 4, SIDE, SIDE)
        unwrap_batch(picture.numpy(), side.numpy(), placement_drawn.numpy(), at.numpy(), *slope.numpy(), tints.numpy(), hidden.numpy(), (torch.rand(len(i)) < .1).numpy(), FACING, image.numpy())
        return codes, image, shape + .0002 * torch.randn_like(shape), placement, *known

    def loss(step):
        codes, image, *others = augmented(torch.randint(0, len(train), (batch,)))
        # Half precision will do for pixels, not for places.
        with torch.autocast('cpu', torch.bfloat16):
            looks = model.look(image)
        g, e, doubt = model.answer(torch.nn.functional.dropout(looks.float(), .2), *others)
        d = torch.cat([g, e], 1) - codes + (others[2] if refines else 0)
        posed = metric(d)
        # How sure it is must not pull on what it says: the error is data to the doubt.
        square = posed.detach().square()
        doubted = (.5 * (doubt + square * (-doubt).exp())).mean()
        return posed.mean() + metric(d * identity).mean() + .3 * metric(d * (1 - identity)).mean() + .1 * whole(d).mean() + .002 * d.square().sum(1).mean() + .1 * doubted

    show = torch.randperm(len(held), generator=torch.Generator().manual_seed(0))[:512]
    offsets = torch.from_numpy(1000 * without_similarities(kit.basis[:, :fk.NARROW_FACE:3].reshape(158, -1).astype(np.float64), kit.neutral[:fk.NARROW_FACE:3].astype(np.float64))).float()
    median = lambda d: (d @ offsets).view(len(d), -1, 3).norm(dim=-1).median().item()

    def asked(m, i):
        *inputs, codes = held.batch(i)
        known = (held.offsets(held.first[i]), held.first[i][:, :fields.DG], held.first[i][:, fields.DG:]) if refines else ()
        return *m(*inputs, *known), codes

    def evaluate(m):
        with torch.no_grad():
            g, e, doubt, codes = (torch.cat(a) for a in zip(*(asked(m, i) for i in show.split(128))))
            d = torch.cat([g, e], 1) - codes
            before = (held.first[show] if refines else m.linear(m.squeeze((held.shape[show].flatten(1) - m.shape_mean) * m.scale))) - codes
            error = metric(d)
            rank = lambda a: a.argsort().argsort().float()
            return {'identityMm': median(d * identity), 'posedMm': median(d), 'beforeIdentityMm': median(before * identity), 'beforePosedMm': median(before), 'rmsMm': error.mean().item(),
                    'doubtMm': (doubt / 2).exp().mean().item(), 'doubtRank': torch.corrcoef(torch.stack([rank(doubt), rank(error)]))[0, 1].item()}
    print('before training: ' + '  '.join(f'{k} {v:.4g}' for k, v in evaluate(model).items()), flush=True)
    pace = lambda name: .2 if name.startswith(('squeeze', 'linear')) else 1.      # they are good already
    run.fit(model, loss, evaluate, pace)


STEPS = {'template': template, 'uv': uv, 'forward': forward, 'inverse-uv-trunk': inverse_uv_trunk, 'inverse-uv': inverse_uv, 'deformation': deformation, 'encoder': encoder, 'refinement': refinement, 'plain': plain}


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('experiment', help='a file of experiments/, without its ending')
    parser.add_argument('--data', required=True)
    for option, kind, text in (('minutes', float, 'how long'), ('lr', float, 'the learning rate at its highest'), ('threads', int, ''), ('seed', int, '')):
        parser.add_argument(f'--{option}', type=kind, help=f'{text or option} (default: the experiment\'s)')
    parser.add_argument('--compile', action=argparse.BooleanOptionalAction, help='fuse operations first: steps of `deformation` are a fifth faster after a minute or two (needs a C++ compiler)')
    arguments = vars(parser.parse_args())
    run = Experiment.load(arguments.pop('experiment'), **arguments)
    torch.manual_seed(run.seed + RANK)
    torch.set_num_threads(run.threads)
    if run.compile:
        for module, name in ((fields.Deformation, 'predict'), (fields.Deformation, 'sheet'), (fields.StaticField, 'forward')):
            setattr(module, name, torch.compile(getattr(module, name)))
    STEPS[run.step](run)
