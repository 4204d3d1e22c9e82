"""The networks, as torch modules. Points come and go in metres; inside, coordinates are divided by SCALE."""
from __future__ import annotations

import math
from itertools import accumulate

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


def read_bilinear(grid, side: int, u):
    """A grid [side * side, C] over the unit square, rows upward in v, at places u [.., 2]: [.., C]. By plain gathers, so that the derivative by the place exists in every runtime."""
    p = u.clamp(0, 1) * (side - 1)
    low = p.detach().floor().clamp(max=side - 2)
    x, y = (p - low).unsqueeze(-1).unbind(-2)
    at = (low[..., 1] * side + low[..., 0]).long()
    row0 = (1 - x) * grid[at] + x * grid[at + 1]
    row1 = (1 - x) * grid[at + side] + x * grid[at + side + 1]
    return (1 - y) * row0 + y * row1


class GridEncoding(nn.Module):
    """Fourier features for the broad shape and learnt feature grids for the detail (after Mueller et al. 2022, dense and in two dimensions)."""

    GAIN = 10.      # the grids' learning rate over that of the layers

    def __init__(self, resolutions: tuple[int, ...], channels: int, count: int, longest: float, shortest: float, seed: int):
        super().__init__()
        self.waves = Encoding(2, count, longest, shortest, seed)
        g = torch.Generator().manual_seed(seed + 1)
        self.resolutions = resolutions
        self.grids = nn.ParameterList([torch.randn(r * r, channels, generator=g) * .003 for r in resolutions])
        self.size = self.waves.size + channels * len(resolutions)

    def forward(self, u):                                                     # [..., 2] in 0..1 -> [..., size]
        read = [read_bilinear(grid, r, u) * self.GAIN for r, grid in zip(self.resolutions, self.grids)]
        return torch.cat([self.waves(u), *read], -1)


class WrappedGrids(nn.Module):
    """Learnt features on grids of space from coarse to fine, read trilinearly (after Mueller et al. 2022), beside the coordinates themselves.

    Grids are endless: each repeats a block of side^3 nodes, sheared so that equal nodes lie `side` cells apart along an axis and nowhere nearer. A surface fills little of
    space, so few places that matter share a node, and the layers behind tell those apart by the coarser grids. It is a hash table whose hash is one multiply-add per axis.

    All levels are read at once, one column per level, corner and channel, by products with constant matrices and one gather: on a CPU that is several times faster
    than many operations on narrow tensors. Once trained, a cell's eight corners are laid side by side when the network is loaded, so that a level costs one read."""

    GAIN = 10.      # the table's learning rate over that of the layers

    def __init__(self, levels: tuple[tuple[float, int], ...], channels: int, seed: int):                        # levels: (cell in network units, side)
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        count, rows = len(levels), [side ** 3 for _, side in levels]
        self.channels = channels
        self.table = nn.Parameter(torch.cat([torch.randn(r, channels, generator=g) * .003 for r in rows]))     # all levels' nodes
        self.size = 3 + channels * count
        keep = lambda name, value: self.register_buffer(name, value, persistent=False)      # made anew, not stored
        axis = torch.eye(3)
        corners = torch.tensor([[i, j, k] for k in (0, 1) for j in (0, 1) for i in (0, 1)], dtype=torch.float32)    # [8, 3]
        stride = torch.tensor([[1., side, side * side] for _, side in levels])                                   # [L, 3]
        level = torch.eye(count)
        keep('scale', torch.cat([axis / cell for cell, _ in levels], 1))                       # [3, 3 L]
        keep('shift', torch.tensor([.5 * cell for cell, _ in levels]).repeat_interleave(3))    # no two levels share their planes
        keep('hash', (level[:, None] * stride[..., None]).reshape(3 * count, count))
        self.packed = None                                                    # what pack() gave, for who reads often without training
        self.rows, self.corners = rows, (corners @ stride.T).T.long().tolist()                                 # [L][8]: how far a corner's node is from the cell's first
        keep('corner', torch.tensor(self.corners, dtype=torch.float32))                        # [L, 8]
        keep('period', torch.tensor(rows, dtype=torch.float32))
        keep('first', torch.tensor([sum(rows[:i]) for i in range(count)], dtype=torch.float32))
        # A corner's weight along an axis is t or 1 - t: slope t + offset.
        sign = 2 * corners - 1                                                                                 # [8, 3]
        slope = level[:, None, :, None, None] * axis[None, :, None, None, :] * sign[None, None, None]          # [L, 3, L, 8, 3]
        keep('slope', slope.permute(4, 0, 1, 2, 3).reshape(3, 3 * count, 8 * count))
        keep('offset', (1 - corners).T.repeat(1, count))                                       # [3, 8 L]
        keep('spread', torch.kron(torch.eye(8 * count), torch.ones(1, channels)))              # [8 L, 8 L C]
        keep('sum', torch.kron(torch.kron(level, torch.ones(8, 1)), torch.eye(channels)) * self.GAIN)      # [8 L C, L C]

    def cells(self, node):
        """Cells' first nodes [N, L] -> their corners' features [N, 8 L C]."""
        wrap = lambda n, period, first: (n - period * ((n + .5) / period).floor() + first).long()
        if self.table.requires_grad:      # while training: corner by corner, so that a step touches the nodes it has seen and no others
            node = wrap(node[..., None] + self.corner, self.period[:, None], self.first[:, None])
            return nn.functional.embedding(node, self.table).reshape(-1, len(self.sum))
        packed = self.pack() if self.packed is None else self.packed
        return nn.functional.embedding(wrap(node, self.period, self.first), packed).reshape(-1, len(self.sum))

    def pack(self):
        """[rows, 8 C]: each node with the other corners of the cell that it is the first of."""
        ends = [sum(self.rows[:i]) for i in range(len(self.rows) + 1)]
        levels = [self.table[a:b] for a, b in zip(ends, ends[1:])]
        return torch.cat([torch.cat([grid.roll(-c, 0) for c in corners], 1) for grid, corners in zip(levels, self.corners)])

    def forward(self, x):                                                     # [..., 3] -> [..., size]
        flat = x.reshape(-1, 3)
        p = flat @ self.scale + self.shift
        low = p.detach().floor()
        t = p - low
        w = (t @ self.slope[0] + self.offset[0]) * (t @ self.slope[1] + self.offset[1]) * (t @ self.slope[2] + self.offset[2])
        v = self.cells(low @ self.hash)                                       # whole numbers below 2^24: exact in single precision
        return torch.cat([flat, (v * (w @ self.spread)) @ self.sum], 1).reshape(*x.shape[:-1], self.size)


class Trunk(nn.Module):
    """Residual SiLU layers on an encoding. `biases`, one [width] per layer, is how codes enter. The last `tail` layers' activations come out side by side."""

    def __init__(self, encoding: Encoding, width: int, layers: int, tail: int = 1):
        super().__init__()
        self.encoding, self.tail, self.size = encoding, tail, width * tail
        self.layers = nn.ModuleList([nn.Linear(i, width) for i in [encoding.size] + [width] * (layers - 1)])

    def pieces(self, x, biases=None):
        """What the last layers add up from: the state before the last `tail` of them, if there is one, and then what each adds, all [.., width]. A linear map of the last states
        is one of the pieces, and saves an addition."""
        h, pieces = self.encoding(x), []
        first = len(self.layers) - self.tail
        for i, layer in enumerate(self.layers):
            # One code for all points: its bias joins the layer's, and costs nothing per point.
            one = biases is not None and biases[i].dim() == 1
            y = torch.nn.functional.linear(h, layer.weight, layer.bias + biases[i]) if one else layer(h)
            if biases is not None and not one:
                y = y + biases[i].unsqueeze(-2)
            y = torch.nn.functional.silu(y)
            if i == first and i > 0:
                pieces.append(h)
            if i >= first:
                pieces.append(y)
            if i + 1 < len(self.layers):
                h = y if i == 0 else h + y
        return pieces

    def combine(self, pieces, weights):
        """sum over the last states of state . weights [.., tail, width, outputs], from their pieces."""
        # A piece is part of every state from its own on; the state before the tail is part of all.
        later = list(accumulate(weights.unbind(-3)[::-1]))[::-1]
        return sum(p @ w for p, w in zip(pieces, (later[0], *later) if len(pieces) > self.tail else later))

    def forward(self, x, biases=None):
        pieces = self.pieces(x, biases)
        states = [sum(pieces[:k]) for k in range(len(pieces) - self.tail + 1, len(pieces) + 1)]
        return states[0] if self.tail == 1 else torch.cat(states, -1)


class StaticField(nn.Module):
    """A field of one space alone: a signed distance (metres), or UV_T."""

    def __init__(self, outputs: int, encoding: nn.Module, width: int, layers: int, scale: float = 1.):
        super().__init__()
        self.trunk = Trunk(encoding, width, layers)
        self.head = nn.Linear(width, outputs)
        self.scale = scale

    def forward(self, x):                                                     # [..., 3] metres -> [..., outputs]
        return (self.trunk.combine(self.trunk.pieces(x / SCALE), self.head.weight.T[None]) + self.head.bias) * self.scale


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
        w = torch.tensordot(codes, self.basis, 1)                             # the codes folded into one [size, 3] matrix
        b = codes @ self.bias
        if self.constant is not None:
            w, b = w + self.constant.weight.T, b + self.constant.bias
        w = w.unflatten(-2, (self.trunk.tail, -1))                             # [(S,) tail, width, 3]
        return (self.trunk.combine(self.trunk.pieces(p / self.input_scale), w) + b.unsqueeze(-2)) * SCALE


class Deformation(nn.Module):
    """Posed space to the canonical spaces of head and jaw: align, predict, then correct by the forward field's residual.

    A coarse offset, linear in the codes, brings heads of all shapes near each other. There a conditioned network predicts a canonical point x0 = x + D0(x; codes) for each sheet; codes enter as
    biases of its layers and make its last layer. The sheet's forward field F (linear in the codes) says where x0 really goes; what is missing to x is added back,
    times a gate per axis that the network predicts too: one step of a fixed-point iteration that a gate of 0 switches off where F is steep (the air between the lids). The same trunk gives a
    correction of the distance, because T(x + D) is none where D stretches (cf. the correction field of Deng, Yang & Tong 2021).

    All that depends on the codes alone is done once for all points."""

    PER_SHEET = 7      # offset, gate, correction of the distance
    corrected = True   # False leaves the residual step out: for the ablation without correspondences, which is all that F knows

    def __init__(self, width: int, layers: int, count: int, forward_fields: dict[str, LinearField], template_codes: torch.Tensor):
        super().__init__()
        self.align = LinearField(Encoding(3, 12, 8., 1., 9), 32, 2, False, SCALE)
        self.trunk = Trunk(Encoding(3, count, 6., .25, 11), width, layers)
        self.embed = nn.Sequential(nn.Linear(DG + DE, 256), nn.SiLU())
        self.biases = nn.Linear(256, width * layers)
        self.outputs = self.PER_SHEET * len(SHEETS)
        self.head = nn.Linear(256, width * self.outputs)           # its bias is the last layer's matrix for no code
        self.head_bias = nn.Parameter(torch.tensor([0., 0, 0, 1, 1, 1, 0]).repeat(len(SHEETS)))
        self.forward_fields = nn.ModuleDict(forward_fields)
        self.width = width
        self.register_buffer('template_codes', template_codes)   # the pose of the canonical space itself, where F is zero
        with torch.no_grad():
            self.align.basis.zero_()
            self.head.weight.zero_()
            self.head.bias.mul_(.1)

    def predict(self, x, codes):                                              # [.., 3], [.., 158] -> [.., 2 * 7]
        c = self.embed(codes.unsqueeze(-2))                                   # [.., 1, 256]: what traces of derivatives need to be plain products
        aligned = x + self.align(x, codes - self.template_codes)
        pieces = self.trunk.pieces(aligned / SCALE, self.biases(c).squeeze(-2).split(self.width, -1))
        return self.trunk.combine(pieces, self.head(c).view(*codes.shape[:-1], 1, self.width, self.outputs)) + self.head_bias

    def sheet(self, name, x, codes, outputs):
        """Predicted [.., 3], corrected [.., 3], distance correction [..] in one sheet's canonical space, metres."""
        first = self.PER_SHEET * SHEETS.index(name)
        out = outputs[..., first:first + self.PER_SHEET]
        x0 = x + out[..., 0:3] * SCALE
        gate = torch.sigmoid(out[..., 3:6])
        x1 = x0 + gate * (x - x0 - self.forward_fields[name](x0, codes - self.template_codes)) if self.corrected else x0
        return x0, x1, out[..., 6] * SCALE

    def forward(self, x, codes):                                              # -> {sheet: (predicted, corrected, distance correction)}
        out = self.predict(x, codes)
        return {name: self.sheet(name, x, codes, out) for name in SHEETS}


class PlainField(nn.Module):
    """What the template is measured against: one network of place and codes, f(x; codes), of about D's width. [S, N, 3], [S, 158] -> [S, N]"""

    def __init__(self, width: int = 192, layers: int = 5):
        super().__init__()
        self.trunk = Trunk(Encoding(3, 64, 6., .08, 21), width, layers)
        self.embed = nn.Sequential(nn.Linear(DG + DE, 256), nn.SiLU(), nn.Linear(256, width * layers))
        self.head = nn.Linear(width, 1)
        self.width = width

    def forward(self, x, codes):
        return self.head(self.trunk(x / SCALE, self.embed(codes).split(self.width, -1)))[..., 0] * SCALE


def make_template(sheet):
    if sheet == 'head':
        return StaticField(1, WrappedGrids(((.4, 12), (.2, 24), (.1, 36), (.05, 40), (.025, 60), (.0125, 64)), 2, 1), 64, 2, SCALE)
    return StaticField(1, WrappedGrids(((.4, 10), (.2, 18), (.1, 26), (.05, 32)), 2, 5), 48, 2, SCALE)


def make_part():
    return StaticField(1, WrappedGrids(((.08, 16), (.02, 32)), 4, 7), 48, 2, SCALE)


def make_uv():
    return StaticField(2, Encoding(3, 40, 4., .08, 2), 128, 3)


def make_forward(sheet):
    if sheet == 'head':
        return LinearField(WrappedGrids(((.4, 12), (.2, 24), (.1, 36), (.05, 40)), 4, 3), 128, 3, False, SCALE, tail=3)
    return LinearField(WrappedGrids(((.4, 10), (.2, 18), (.1, 26)), 4, 6), 64, 3, False, SCALE, tail=3)


def make_inverse_uv():
    return LinearField(GridEncoding((24, 48, 96, 192, 320), 4, 32, 2., .06, 4), 192, 3, True, 1., tail=2)


def make_deformation(forward_fields, template_codes):
    return Deformation(128, 5, 32, forward_fields, template_codes)
