"""The networks, as torch modules. Points come and go in metres; inside, coordinates are divided by SCALE."""
from __future__ import annotations

import math

import torch
from torch import nn

SCALE = .1                      # metres per network unit
DG, DE = 100, 58
BOUNDS = ((-.160, -.230, -.150), (.160, .180, .165))     # metres: what a camera can see of head and neck, posed space
SHEETS = ['head', 'jaw']        # the skin is the union of two solids: the head with the upper lip, the jaw with the lower lip


def fourier(count: int, dims: int, longest: float, shortest: float, seed: int) -> torch.Tensor:
    """[dims, count] random directions with wavelengths spread evenly in their logarithm (network units)."""
    g = torch.Generator().manual_seed(seed)
    direction = torch.nn.functional.normalize(torch.randn(count, dims, generator=g), dim=1)
    wavelength = torch.exp(torch.linspace(math.log(longest), math.log(shortest), count))
    return (direction * (2 * math.pi / wavelength)[:, None]).T.contiguous()


class Encoding(nn.Module):
    """Random Fourier features (Tancik et al. 2020) beside the coordinates themselves."""

    def __init__(self, dims: int, count: int, longest: float, shortest: float, seed: int):
        super().__init__()
        self.register_buffer('frequency', fourier(count, dims, longest, shortest, seed))
        self.size = dims + 2 * count

    def forward(self, x):                                                     # [..., dims] -> [..., size]
        p = x @ self.frequency
        return torch.cat([x, torch.sin(p), torch.cos(p)], -1)


class GridEncoding(nn.Module):
    """Fourier features for the broad shape and learnt feature grids for the detail (after Mueller et al. 2022, dense and in two dimensions). Read bilinearly by plain
    gathers, so that the derivative by the place exists in every runtime."""

    GAIN = 10.      # the grids' learning rate over that of the layers

    def __init__(self, resolutions: tuple[int, ...], channels: int, count: int, longest: float, shortest: float, seed: int):
        super().__init__()
        self.waves = Encoding(2, count, longest, shortest, seed)
        g = torch.Generator().manual_seed(seed + 1)
        self.resolutions = resolutions
        self.grids = nn.ParameterList([torch.randn(r * r, channels, generator=g) * .003 for r in resolutions])
        self.size = self.waves.size + channels * len(resolutions)

    def forward(self, u):                                                     # [..., 2] in 0..1 -> [..., size]
        out = [self.waves(u)]
        for r, grid in zip(self.resolutions, self.grids):
            p = u.clamp(0, 1) * (r - 1)
            low = p.detach().floor().clamp(max=r - 2)
            x, y = (p - low).unsqueeze(-1).unbind(-2)
            at = (low[..., 1] * r + low[..., 0]).long()
            row0 = (1 - x) * grid[at] + x * grid[at + 1]
            row1 = (1 - x) * grid[at + r] + x * grid[at + r + 1]
            out.append(((1 - y) * row0 + y * row1) * self.GAIN)
        return torch.cat(out, -1)


class Trunk(nn.Module):
    """Residual SiLU layers on an encoding. `biases`, one [width] per layer, is how codes enter. The last `tail` layers' activations come out side by side."""

    def __init__(self, encoding: Encoding, width: int, layers: int, tail: int = 1):
        super().__init__()
        self.encoding, self.tail, self.size = encoding, tail, width * tail
        self.layers = nn.ModuleList([nn.Linear(i, width) for i in [encoding.size] + [width] * (layers - 1)])

    def forward(self, x, biases=None):
        h, states = self.encoding(x), []
        for i, layer in enumerate(self.layers):
            # One code for all points: its bias joins the layer's, and costs nothing per point.
            one = biases is not None and biases[i].dim() == 1
            y = torch.nn.functional.linear(h, layer.weight, layer.bias + biases[i]) if one else layer(h)
            if biases is not None and not one:
                y = y + biases[i].unsqueeze(-2)
            y = torch.nn.functional.silu(y)
            h = y if i == 0 else h + y
            states.append(h)
        return h if self.tail == 1 else torch.cat(states[-self.tail:], -1)


class StaticField(nn.Module):
    """A field of the canonical space alone: the template's signed distance T (metres), or UV_T."""

    def __init__(self, outputs: int, width: int, layers: int, count: int, shortest: float, seed: int, scale: float = 1.):
        super().__init__()
        self.trunk = Trunk(Encoding(3, count, 4., shortest, seed), width, layers)
        self.head = nn.Linear(width, outputs)
        self.scale = scale

    def forward(self, x):                                                     # [..., 3] metres -> [..., outputs]
        return self.head(self.trunk(x / SCALE)) * self.scale


class LinearField(nn.Module):
    """Offsets that are linear in the codes: a static trunk whose last layer is a matrix per code, h(p) . (W_0 + sum_k c_k W_k).

    The generator that it learns is linear in the codes, so only the trunk has to be learnt, on the basis itself, and the Jacobian by the codes costs nothing."""

    def __init__(self, encoding: nn.Module, width: int, layers: int, constant: bool, input_scale: float, tail: int = 1):
        super().__init__()
        self.trunk = Trunk(encoding, width, layers, tail)
        self.basis = nn.Parameter(torch.randn(DG + DE, self.trunk.size, 3) * .02)
        self.bias = nn.Parameter(torch.zeros(DG + DE, 3))
        self.constant = nn.Linear(self.trunk.size, 3) if constant else None
        self.input_scale = input_scale

    def features(self, p):
        return self.trunk(p / self.input_scale)

    def jacobian(self, p):                                                    # [N, dims] -> [N, 3, Dg + De]
        return self.jacobian_of(self.features(p))

    def jacobian_of(self, h):
        """The same from the trunk's features."""
        k, w, _ = self.basis.shape
        flat = h @ self.basis.permute(1, 2, 0).reshape(w, 3 * k) + self.bias.T.reshape(3 * k)
        return flat.view(*h.shape[:-1], 3, k) * SCALE

    def forward(self, p, codes):                                              # [(S,) N, dims], [(S,) Dg + De] -> [(S,) N, 3]
        h = self.features(p)
        w = torch.tensordot(codes, self.basis, 1)                             # the codes folded into one [width, 3] matrix
        b = codes @ self.bias
        out = h @ w + b.unsqueeze(-2)
        if self.constant is not None:
            out = out + self.constant(h)
        return out * SCALE


class Deformation(nn.Module):
    """Posed space to the canonical spaces of head and jaw: predict, then correct by the forward field's residual.

    A conditioned network predicts a canonical point x0 = x + D0(x; codes) for each sheet. The sheet's forward field F (linear in the codes) says where x0 really
    goes; what is missing to x is added back, times a gate per axis that the network predicts too: one step of a fixed-point iteration that a gate of 0 switches
    off where F is steep (the air between the lids). The same trunk gives a correction of the distance, because T(x + D) is none where D stretches (cf. the correction
    field of Deng, Yang & Tong 2021)."""

    PER_SHEET = 7      # offset, gate, correction of the distance

    def __init__(self, width: int, layers: int, count: int, forward_fields: dict[str, LinearField], template_codes: torch.Tensor):
        super().__init__()
        self.trunk = Trunk(Encoding(3, count, 6., .25, 11), width, layers)
        self.codes = nn.Sequential(nn.Linear(DG + DE, 256), nn.SiLU(), nn.Linear(256, width * layers))
        self.head = nn.Linear(width, self.PER_SHEET * len(SHEETS))
        self.forward_fields = nn.ModuleDict(forward_fields)
        self.width = width
        self.register_buffer('template_codes', template_codes)   # the pose of the canonical space itself, where F is zero
        with torch.no_grad():
            self.head.weight.mul_(.1)
            self.head.bias.copy_(torch.tensor([0., 0, 0, 1, 1, 1, 0]).repeat(len(SHEETS)))

    def outputs(self, x, codes):                                              # [.., 3], [.., 158] -> [.., 2 * 7]
        biases = self.codes(codes.unsqueeze(-2)).squeeze(-2).split(self.width, -1)
        return self.head(self.trunk(x / SCALE, biases))

    def sheet(self, name, x, codes, outputs):
        """Predicted [.., 3], corrected [.., 3], distance correction [..] in one sheet's canonical space, metres."""
        first = self.PER_SHEET * SHEETS.index(name)
        out = outputs[..., first:first + self.PER_SHEET]
        x0 = x + out[..., 0:3] * SCALE
        gate = torch.sigmoid(out[..., 3:6])
        x1 = x0 + gate * (x - x0 - self.forward_fields[name](x0, codes - self.template_codes))
        return x0, x1, out[..., 6] * SCALE

    def forward(self, x, codes):                                              # -> {sheet: (predicted, corrected, distance correction)}
        out = self.outputs(x, codes)
        return {name: self.sheet(name, x, codes, out) for name in SHEETS}


def make_template(sheet):
    return StaticField(1, 144, 4, 64, .022, 1, SCALE) if sheet == 'head' else StaticField(1, 80, 3, 40, .03, 5, SCALE)


def make_uv():
    return StaticField(2, 128, 3, 40, .08, 2)


def make_forward(sheet):
    return LinearField(Encoding(3, 48, 4., .05, 3), 128, 4, False, SCALE) if sheet == 'head' else LinearField(Encoding(3, 24, 4., .1, 6), 80, 3, False, SCALE)


def make_inverse_uv():
    return LinearField(GridEncoding((24, 48, 96, 192), 4, 32, 2., .06, 4), 192, 3, True, 1., tail=2)


def make_deformation(forward_fields, template_codes):
    return Deformation(128, 5, 32, forward_fields, template_codes)
