"""What D is trained on: correspondences of the generator, exact distances around posed heads, and what cameras see of them."""
from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import cosine_similarity

import facekit as fk
import fields
from albedo import Colour, read
from fields import SHEETS
from fit import RANK, trained
from light import random_lights, sh_basis
from samples import Skin, stored, template_codes

FACES, POINTS = 24, {'head': 192, 'jaw': 80}                  # of a step: faces with correspondences, places on each of their solids
HEADS, PAIRS, VIEWED = 16, 144, 36                            # heads of the banks, their pairs of points, their visible places
NECK, EARS = -.09, .06                                        # metres: what is lower is neck and shoulders; what is farther from the middle, ears or what is near them
THIN = .0015                                                  # metres: how deep places are whose sign counts by itself
# A gradient from four taps, the corners of a tetrahedron: no second derivatives are needed to train it.
TAP = .0003 * torch.tensor([[1., 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3 ** .5
ALBEDOS, ALBEDO_SIDE = 48, 256                                # random people's textures, texels


def gradients(distance, x):
    """Of a field `distance(x [S, N, 3]) -> [S, N]` at places [S, P, 3]: [S, P, 3]."""
    return distance((x[:, :, None] + TAP).flatten(1, 2)).unflatten(1, (-1, 4)) @ TAP * (.75 / TAP[0].square().sum())


def pick(count: int, per: int, *bank, chance: torch.Tensor | None = None):
    """`per` random places of `count` random heads of a bank: of each array [S, P, ..] what belongs to them, [count, per, ..]; the first is per head, [S, ..]. Evenly, or by
    `chance` [S, P]."""
    j = torch.randint(0, len(bank[0]), (count,))
    k = torch.randint(0, bank[1].shape[1], (count, per)) if chance is None else torch.multinomial(chance[j], per, True)
    return bank[0][j], *(a[j[:, None], k] for a in bank[1:])


def times_drawn(y: torch.Tensor, neck: int) -> torch.Tensor:
    """How much oftener than elsewhere places at height y are drawn: `neck` times on the neck and shoulders."""
    return torch.where(y < NECK, neck, 1)


class Banks:
    """Exact distances and visible places of random posed heads; the last 16 heads of both are held out."""

    HELD_OUT = 16

    def __init__(self):
        posed, views = stored('posed', 'codes', 'x', 'distances'), stored('views', 'codes', 'x', 'normals', 'uv')
        self.posed, self.views = ([a[:-self.HELD_OUT] for a in bank] for bank in (posed, views))
        first = lambda bank, count: [bank[0][-self.HELD_OUT:], *(a[-self.HELD_OUT:, :count] for a in bank[1:])]
        self.held_posed, self.held_views = first(posed, 1000), first(views, 500)

    def normal_degrees(self, distance) -> float:
        """Mean angle between the held-out normals and the gradient of a field `distance(x, codes)`."""
        codes, x, normals, _ = self.held_views
        cosine = cosine_similarity(gradients(lambda p: distance(p, codes), x), normals, dim=-1)
        return cosine.clamp(-1, 1).acos().mean().item() * 57.2958


def union_error(distance, true):
    """Mean relative error of the distance to the whole skin; inside only the sign and the order of magnitude are anybody's business."""
    return ((distance - true).abs() / (true.abs() + .002))[true > 0].mean()


def sign_error(x, distance, true):
    """Millimetres by which places just inside ears, neck and what closes it are taken for air. What a network is not sure of it answers by the median, and where a part is thinner than it is sure, the median is air:
    thin parts and edges shrink, and rays pass by them."""
    thin = (true < 0) & (true > -THIN) & ((x[..., 0].abs() > EARS) | (x[..., 1] < NECK))
    return (1000 * distance.clamp_min(0) * thin).sum() / thin.sum().clamp_min(1)


class DeformationTraining:
    """D beside F, through T, which stays. `weights`: of the losses, by their names in experiments/deformation.toml; a loss without one is left out."""

    def __init__(self, data: str, weights: dict[str, float], corrected: bool = True, neck: int = 1):
        self.weights = weights
        self.skin = Skin.of(fk.FaceKit.load(data))
        self.basis, self.neutral, self.template = (torch.from_numpy(a) for a in (self.skin.basis, self.skin.neutral, self.skin.template))
        self.lids = torch.from_numpy(self.skin.lid_vertices)
        self.canonical = {s: stored(f'template-{s}', 'x', 'corner', 'weight', 'distance') for s in SHEETS}
        self.banks = Banks()
        # Where all places are alike, drawing by chance takes milliseconds of every step for nothing.
        self.chance = times_drawn(self.banks.posed[1][:, :, 0, 1], neck).float() if neck > 1 else None
        # Drawing evenly from a pool that holds places of the neck several times costs nothing.
        self.pool = {s: torch.arange(len(x)).repeat_interleave(times_drawn(x[:, 1], neck)) for s, (x, *_) in self.canonical.items()}
        self.templates = {s: trained(f'template-{s}', fields.make_template(s)) for s in SHEETS}
        for field in self.templates.values():
            field.trunk.encoding.packed = field.trunk.encoding.pack()
        forwards = {s: trained(f'forward-{s}', fields.make_forward(s)).requires_grad_(corrected) for s in SHEETS}
        self.model = fields.make_deformation(forwards, torch.from_numpy(template_codes(self.skin.kit)))
        self.model.corrected = corrected
        self.rng = np.random.default_rng(5 + RANK)
        self.held_codes = torch.from_numpy(self.skin.kit.random_codes(24, np.random.default_rng(99)))
        generator = torch.Generator().manual_seed(3)
        self.held = {}
        for s in SHEETS:
            surface = torch.nonzero(self.canonical[s][3].abs() < 1e-6)[:, 0]
            self.held[s] = surface[torch.randint(0, len(surface), (24, 1000), generator=generator)]
        if 'render' in weights:
            self.chart = trained('uv', fields.make_uv())
            self.lights = random_lights(data, 256, np.random.default_rng(11))
            self.albedos = self.random_albedos()

    def random_albedos(self):
        """[ALBEDOS, 3, side, side] textures of random people."""
        colour = Colour(np.load(fk.cache_dir() / 'atlas' / 'colour' / 'basis.npz')).eval()
        line = (torch.arange(ALBEDO_SIDE) + .5) / ALBEDO_SIDE
        uv = torch.stack(torch.meshgrid(line, line, indexing='xy'), -1).view(-1, 2)
        with torch.no_grad():
            images = [colour(uv, torch.randn(colour.code_size), torch.zeros(fields.DE)) for _ in range(ALBEDOS)]
        return torch.stack(images).view(ALBEDOS, ALBEDO_SIDE, ALBEDO_SIDE, 3).permute(0, 3, 1, 2)

    def pairs(self, codes, sheet, i):
        """Posed places of a sheet's canonical samples i [S, P]: they move as the skin does, relative to the template."""
        x, corner, weight, _ = self.canonical[sheet]
        v = self.neutral - self.template + torch.tensordot(codes, self.basis, 1)   # [S, V, 3] motion from the template
        v[:, self.lids] += self.skin.contact(v[:, self.lids] + self.template[self.lids], codes)
        s = torch.arange(len(codes))[:, None, None]
        return x[i] + (v[s, corner[i]] * weight[i][..., None]).sum(2)

    def sheet_distances(self, x, codes, model=None):
        """[.., 2] to head and jaw."""
        return self.composed((model or self.model)(x, codes))

    def composed(self, sheets):
        """T(x + D) and its correction [.., 2], from what D gives for each sheet."""
        return torch.stack([self.templates[s](x1)[..., 0] + delta for s, (_, x1, delta) in sheets.items()], -1)

    def correspondence_loss(self):
        """Of canonical places, F and f on the generator's own pairs of places, in millimetres."""
        weight, model = self.weights, self.model
        codes = torch.from_numpy(self.skin.kit.random_codes(FACES, self.rng))
        i = {s: self.pool[s][torch.randint(0, len(self.pool[s]), (FACES, n))] for s, n in POINTS.items()}
        posed = {s: self.pairs(codes, s, i[s]) for s in SHEETS}
        outputs = model.predict(torch.cat(list(posed.values()), 1), codes).split(list(POINTS.values()), 1)
        total = 0.
        for sheet, out in zip(SHEETS, outputs):
            x, px, d = self.canonical[sheet][0][i[sheet]], posed[sheet], self.canonical[sheet][3][i[sheet]].abs()
            x0, x1, delta = model.sheet(sheet, px, codes, out)
            trust = 1 / (1 + d / .004)
            off = lambda a, b, t=trust: ((a - b).abs().sum(-1) * t).mean()
            on = d < 1e-6
            loss = weight['surface'] * (self.templates[sheet](x1)[..., 0] + delta).abs()[on].mean() + weight['correction'] * delta[on].abs().mean()
            if 'place' in weight:
                # F goes on learning beside D; its own loss keeps it the forward field, without which the residual would mean nothing.
                few = slice(0, x.shape[1] // 3)
                moved = model.forward_fields[sheet](x[:, few], codes - model.template_codes)
                loss = loss + weight['place'] * off(x1, x) + weight['predicted'] * off(x0, x) + weight['motion'] * off(moved, (px - x)[:, few], trust[:, few])
            total = total + (1. if sheet == 'head' else .5) * loss
        return total * 1000

    def distance_errors(self, model, codes, x, true):
        """On pairs [S, P, 2, 3] with true distances [S, P, 2, 3] to the skin, the head and the jaw: relative errors of each sheet's and of the union's, and of the slopes along pairs."""
        f = self.sheet_distances(x.flatten(1, 2), codes, model).unflatten(1, (-1, 2))
        sheets, whole = true[..., 1:], true[..., 0]
        # A sheet's distance matters where it is the nearer one; the union counts once more.
        near = 1 / (1 + (sheets - sheets.amin(-1, keepdim=True)) / .004)
        each = (f - sheets).abs() / (sheets.abs() + .002) * near
        step = (x[..., 0, :] - x[..., 1, :]).norm(dim=-1, keepdim=True).clamp_min(1e-4)
        slope = ((f[..., 0, :] - f[..., 1, :]) - (sheets[..., 0, :] - sheets[..., 1, :])).abs() / step
        close = near[..., 0, :] / (1 + (sheets[..., 0, :] / .004) ** 2)
        return each.mean(), union_error(f.amin(-1), whole), (slope * close).sum() / close.sum(), sign_error(x, f.amin(-1), whole)

    def view_loss(self):
        """What cameras all around see: normals, and colours under random light. The chart stays as it is, so wrong colours move D, not the chart (the paper's second stage)."""
        codes, x, normals, uv = pick(HEADS, VIEWED, *self.banks.views)
        found = gradients(lambda p: self.sheet_distances(p, codes).amin(-1), x)
        loss = self.weights['normal'] * (found - normals).abs().sum(-1).mean()
        if 'render' in self.weights:
            sheets = self.model(x, codes)
            with torch.no_grad():      # which sheet is seen
                jaw = self.composed(sheets).argmin(-1) == SHEETS.index('jaw')
            seen = self.chart(torch.where(jaw[..., None], sheets['jaw'][1], sheets['head'][1]))
            light = self.lights[torch.randint(0, len(self.lights), (HEADS,))]
            albedo = self.albedos[torch.randint(0, ALBEDOS, (HEADS,))]
            colour = lambda u, n: torch.stack([read(a, p) for a, p in zip(albedo, u)]) * (sh_basis(n) @ light)
            loss = loss + self.weights['render'] * (colour(seen, torch.nn.functional.normalize(found, dim=-1)) - colour(uv, normals)).abs().sum(-1).mean()
        return loss

    def loss(self):
        weight = self.weights
        each, union, slope, sign = self.distance_errors(self.model, *pick(HEADS, PAIRS, *self.banks.posed, chance=self.chance))
        total = self.correspondence_loss() + weight['sheets'] * each + weight['union'] * union + weight['slope'] * slope + weight.get('sign', 0) * sign
        return total + self.view_loss() if 'normal' in weight else total

    @torch.no_grad()
    def evaluate(self, model) -> dict[str, float]:
        out = {}
        for s in SHEETS:
            px, x = self.pairs(self.held_codes, s, self.held[s]), self.canonical[s][0][self.held[s]]
            x0, x1, delta = model(px, self.held_codes)[s]
            e = (x1 - x).norm(dim=-1) * 1000
            out |= {f'{s}PredictedMm': ((x0 - x).norm(dim=-1) * 1000).median().item(), f'{s}CorrectedMm': e.median().item(), f'{s}P95Mm': e.flatten().quantile(.95).item(),
                    f'{s}SurfaceMm': (self.templates[s](x1)[..., 0] + delta).abs().mean().item() * 1000}
        each, union, slope, sign = self.distance_errors(model, *self.banks.held_posed)
        degrees = self.banks.normal_degrees(lambda x, codes: self.sheet_distances(x, codes, model).amin(-1))
        return out | {'normalDeg': degrees, 'sheetError': each.item(), 'unionError': union.item(), 'slopeError': slope.item(), 'signError': sign.item()}


class PlainTraining:
    """The ablation without a template: f(x; codes) from one conditioned network, on the same distances and normals."""

    def __init__(self, weights: dict[str, float]):
        self.weights, self.banks, self.model = weights, Banks(), fields.PlainField()

    def loss(self):
        codes, x, true = pick(2 * HEADS, PAIRS, *self.banks.posed)
        whole = true[..., 0]
        f = self.model(x.flatten(1, 2), codes).unflatten(1, (-1, 2))
        step = (x[..., 0, :] - x[..., 1, :]).norm(dim=-1).clamp_min(1e-4)
        slope = ((f[..., 0] - f[..., 1]) - (whole[..., 0] - whole[..., 1])).abs() / step / (1 + (whole[..., 0] / .004) ** 2)
        codes, x, normals, _ = pick(2 * HEADS, VIEWED, *self.banks.views)
        on = self.model(x, codes).abs().mean() * 1000
        normal = (gradients(lambda p: self.model(p, codes), x) - normals).abs().sum(-1).mean()
        weight = self.weights
        return weight['surface'] * on + weight['union'] * ((f - whole).abs() / (whole.abs() + .002)).mean() + weight['slope'] * slope.mean() + weight['normal'] * normal

    @torch.no_grad()
    def evaluate(self, model) -> dict[str, float]:
        codes, x, true = self.banks.held_posed
        f = model(x.flatten(1, 2), codes).unflatten(1, (-1, 2))
        codes, x, _, _ = self.banks.held_views
        return {'surfaceMm': model(x, codes).abs().mean().item() * 1000, 'normalDeg': self.banks.normal_degrees(model), 'unionError': union_error(f, true[..., 0]).item()}
