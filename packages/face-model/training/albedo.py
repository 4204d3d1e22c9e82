"""The skin's colour: skins resampled into the atlas, a linear basis of albedo made from them and from painted components, and the colour network h(u; texture, expression).

    python albedo.py resample --data DATA    CACHE/atlas/skins.npz: skins [35, 512, 512, 3] linear RGB f16, with holes filled
    python albedo.py basis    --data DATA    CACHE/atlas/colour/basis.npz: mean and component images, quantised as they ship
    python albedo.py export                  CACHE/atlas/colour/colour.onnx, colour-basis.onnx, colour-vjp.onnx, checked against torch
    python albedo.py held-out --data DATA    prints the skins that HELD_OUT's rule gives
    python albedo.py lookup   --data DATA    packages/benchmarks/fixtures/skin-lookup.safetensors: where the evaluator finds our chart's texels in a skin's picture

`registration.py` must have run. The basis is linear in the code not as albedo but as optical density, -ln(albedo): what pigment, blood and hair do to skin is to absorb (Beer and Lambert),
so one code for a brow or a blush serves every tone, and no code makes a colour negative. A linear basis of albedo itself, tried first, gave black and green faces at N(0,1) codes. Components whose detail matters are stored fine, the others coarse:
every group is [K, channels, R, R] in int8 with a scale per component; a group with one channel has a colour per component.
"""
from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image
from safetensors.numpy import save_file
from scipy.ndimage import gaussian_filter, map_coordinates
from torch.fx.experimental.proxy_tensor import make_fx
from tqdm import tqdm

import facekit as fk
from painted import Chart, inner_shares, painted_components
from surface import closest_points

SIZE = 512
MEAN_SIZE = 384
FINE_SIZE, COARSE_SIZE = 192, 64
PRINCIPAL_SIZE, PRINCIPAL_SYMMETRIC, PRINCIPAL_ANTISYMMETRIC = 88, 24, 4
EXPRESSIONS = 58


def to_linear(srgb: np.ndarray) -> np.ndarray:
    return np.where(srgb <= .04045, srgb / 12.92, ((srgb + .055) / 1.055) ** 2.4)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= .0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - .055)


def fill(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fills the unknown texels of [H, W, C] smoothly from the known ones: averages down a pyramid (pull), back up where nothing is known (push)."""
    levels = [(image * known[..., None], known.astype(float))]
    while min(levels[-1][1].shape) > 1:
        colour, weight = levels[-1]
        halve = lambda a: (a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2]) / 4
        c, w = halve(colour), halve(weight)
        full = np.minimum(1, 4 * w)
        levels.append((c * (full / np.maximum(w, 1e-9))[..., None], full))
    result = levels[-1][0] / np.maximum(levels[-1][1], 1e-9)[..., None]
    for colour, weight in levels[-2::-1]:
        up = np.stack([gaussian_filter(np.kron(result[..., k], np.ones((2, 2))), .8, mode='nearest') for k in range(result.shape[2])], -1)
        result = colour + (1 - weight[..., None]) * up
    return result


def skin_lookup(chart: Chart) -> tuple[np.ndarray, np.ndarray]:
    """Where each texel lies in the skins' layout -> uv [SIZE, SIZE, 2] (v down), known [SIZE, SIZE]."""
    fitted = np.load(fk.cache_dir() / 'atlas' / 'makehuman.npz')
    vertices, triangles, triangle_uv = fitted['vertices'].astype(np.float64), fitted['triangles'], fitted['triangle_uv']
    on = chart.on
    triangle, weights, distance = closest_points(chart.place[on], vertices, triangles, chart.normal[on], .2, candidates=24)
    uv, known = np.zeros((SIZE, SIZE, 2)), np.zeros((SIZE, SIZE), bool)
    uv[on] = np.einsum('nk,nkc->nc', weights, triangle_uv[np.maximum(triangle, 0)])
    limit = np.where(chart.label('scalp', 'neck'), .012, .003)[on]
    known[on] = (triangle >= 0) & (distance < limit)
    known &= ~chart.label('mouthBag', 'eyeSockets', 'ears')
    return uv, known


def resample(data: str) -> None:
    chart = Chart(data, SIZE)
    uv, known = skin_lookup(chart)
    skins, names = [], []
    with open(Path(data) / 'skins' / 'manifest.tsv') as file:
        rows = list(csv.DictReader(file, delimiter='\t'))
    for row in tqdm(rows, desc='skins', mininterval=5):
        image = to_linear(np.asarray(Image.open(Path(data) / 'skins' / row['file']).convert('RGB')) / 255.)
        place = uv * int(row['source_size_px']) - [int(row['crop_left_px']), int(row['crop_top_px'])] - .5
        inside = known & (place >= 0).all(-1) & (place[..., 0] < image.shape[1] - 1) & (place[..., 1] < image.shape[0] - 1)
        # The source has more texels than the chart where the chart is coarse: blur it first by a fixed share of its own size.
        blurred = gaussian_filter(image, (int(row['source_size_px']) / 2400, int(row['source_size_px']) / 2400, 0))
        sampled = np.stack([map_coordinates(blurred[..., k], [place[..., 1], place[..., 0]], order=1, mode='nearest') for k in range(3)], -1)
        skins.append(fill(sampled, inside).astype(np.float16))
        names.append(row['file'])
    folder = fk.cache_dir() / 'atlas'
    np.savez(folder / 'skins.npz', skins=np.array(skins), names=names)
    print(f'wrote {len(skins)} skins; {100 * known[chart.on].mean():.0f} % of the chart is seen in them')


LEFT_OUT = ('darthfurby_caucasian_female', 'creamy_female', 'emo_eyes', 'eyeliner')     # painted make-up that no other skin shares
MEAN_BROW, MEAN_LASHES = 2.2, 1.     # units of the painted codes that belong to the mean: the skins have neither
# What the basis never sees, so that evaluate:model can say how well it fits new skins. By `choose_held_out`, not by any result.
HELD_OUT = ('sys_young_darkskinned_male_diffuse', 'sys_old_lightskinned_male_diffuse2', 'jartur69_middleage_slavic_male_and_beard', 'toigo_light_skin_male_ginger',
            'onlytheghosts_middle_aged_eurasian_female', 'sys_young_lightskinned_female_diffuse3')      # two per third, dark to light
LOOKUP_SIZE = 128
BAG, SOCKET = -np.log([.13, .028, .024]), -np.log([.10, .035, .03])
DENSEST = 4.5    # the mean's density is stored as n / 255 of this


def shrink(image: np.ndarray, size: int) -> np.ndarray:
    """[..., S, S, C] to [..., size, size, C] by area, texel grids aligned at the chart's edges."""
    flat = torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, -1, -3), np.float32)).reshape(-1, image.shape[-1], *image.shape[-3:-1])
    small = torch.nn.functional.interpolate(flat, size=(size, size), mode='bilinear', antialias=True, align_corners=False)
    return np.moveaxis(small.numpy(), 1, -1).reshape(*image.shape[:-3], size, size, image.shape[-1])


def even_light(logs: np.ndarray, chart: Chart) -> np.ndarray:
    """Takes most of the light and shade that all skins have baked in at low frequency out of log albedos [K, S, S, 3]: lips, brows, scalp and inner parts do not count."""
    bare = chart.on & ~chart.label('lips', 'brows', 'scalp', 'mouthBag', 'eyeSockets')
    luminance = logs.mean(-1)
    pattern = (luminance - np.median(luminance[:, bare], axis=1)[:, None, None]).mean(0)
    sigma = chart.size / 22
    low = gaussian_filter(pattern * bare, sigma) / np.maximum(gaussian_filter(bare.astype(float), sigma), 1e-3)
    keep = 1 - gaussian_filter(chart.label('scalp').astype(float), chart.size / 60)
    return logs - (.75 * low * keep)[None, :, :, None]


def tones(logs: np.ndarray, chart: Chart) -> np.ndarray:
    """The face's median log colour of each skin [K, 3]."""
    return np.median(logs[:, chart.label('face')], axis=1)


def choose_held_out(names: list[str], tone: np.ndarray, seed: int = 20231) -> list[str]:
    """Two skins of each third of tone [K] (dark to light): the darkest and the lightest of all are extremes and stay, the others are drawn."""
    rng = np.random.default_rng(seed)
    thirds = np.array_split(np.argsort(tone, kind='stable')[1:-1], 3)
    return [names[k] for third in thirds for k in sorted(rng.choice(third, 2, replace=False), key=lambda k: tone[k])]


def usable(names: np.ndarray, leave_out: tuple[str, ...] = LEFT_OUT) -> list[int]:
    return [k for k, name in enumerate(names) if not any(word in str(name) for word in leave_out)]


def held_out(data: str) -> None:
    stored = np.load(fk.cache_dir() / 'atlas' / 'skins.npz')
    chosen = usable(stored['names'])
    logs = np.log(np.clip(stored['skins'][chosen].astype(np.float32), .004, 1))
    for name in choose_held_out([str(stored['names'][k]) for k in chosen], tones(logs, Chart(data, SIZE)).mean(1)):
        print(name)


def lookup(data: str) -> None:
    """skin-lookup.safetensors: `place` [128, 128, 2], where each texel of our chart lies in the skins' layout (v down), in 65535ths; 0 where it is not seen. Computed by our own registration."""
    chart = Chart(data, SIZE)
    uv, known = skin_lookup(chart)
    # The nearest texel of the finer chart to each coarse texel's centre; half a fine texel off, which the places themselves say.
    step = SIZE // LOOKUP_SIZE
    at = np.arange(LOOKUP_SIZE) * step + step // 2
    place = np.where(known[..., None], np.round(uv * 65535), 0)[np.ix_(at, at)].astype(np.uint16)
    path = Path(__file__).parents[2] / 'benchmarks' / 'fixtures' / 'skin-lookup.safetensors'
    path.parent.mkdir(exist_ok=True)
    save_file({'place': np.ascontiguousarray(place), 'uv': ((at + .5) / SIZE).astype(np.float32)}, path, metadata={'heldOut': '\n'.join(HELD_OUT)})
    print(f'{path}: {path.stat().st_size / 1000:.0f} kB, {100 * known[chart.on].mean():.0f} % of the chart is seen')


def mixtures(details: np.ndarray, tone: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Faces that could be: the details of two skins mixed in log space, at a tone between two skins drawn so that luminance is spread evenly from the darkest to the lightest.

    -> indices and weights as a matrix [count, K] that mixes details, tones [count, 3]."""
    k = len(details)
    mix = np.zeros((count, k))
    for row in mix:
        i, j = rng.choice(k, 2, replace=False)
        row[i] = rng.random()
        row[j] = 1 - row[i]
    order = np.argsort(tone.mean(1))
    dark, light = order[:k // 4], order[k // 3:]
    share = rng.random(count)[:, None]
    ends = (tone[rng.choice(dark, count)], tone[rng.choice(light, count)])
    return mix, ends[0] + (ends[1] - ends[0]) * share + rng.normal(0, .03, (count, 1))


def principal_components(samples: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """[N, P] centred samples and texel weights [P] -> [count, P] components, each as large as one standard deviation."""
    weighted = samples * np.sqrt(weight)
    value, vector = np.linalg.eigh(weighted @ weighted.T)
    value, vector = value[::-1][:count], vector[:, ::-1][:, :count]
    # samples^T v / |.| is the direction; its standard deviation over N samples is sqrt(value / N).
    return (vector.T @ samples) / np.sqrt(len(samples))


def quantise(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[K, ...] -> int8 of the same shape, scale [K]."""
    scale = np.abs(images).reshape(len(images), -1).max(1) / 127
    return np.round(images / scale.reshape(-1, *[1] * (images.ndim - 1))).astype(np.int8), scale.astype(np.float32)


def basis(data: str, seed: int = 0, count: int = 400) -> None:
    rng = np.random.default_rng(seed)
    chart = Chart(data, SIZE)
    stored = np.load(fk.cache_dir() / 'atlas' / 'skins.npz')
    chosen = usable(stored['names'], LEFT_OUT + HELD_OUT)
    logs = np.log(np.clip(stored['skins'][chosen].astype(np.float32), .004, 1))
    mirrored = logs[:, :, ::-1]
    even, odd = even_light((logs + mirrored) / 2, chart), (logs - mirrored) / 2
    tone = tones(even, chart)
    details = even - tone[:, None, None]
    painted = painted_components(chart)
    by_name = {name: (mask, np.array(colour)) for group in painted.values() for name, mask, colour in group}
    mouth, eye = inner_shares(chart)
    outer = (1 - mouth) * (1 - eye)

    mix, mixed_tone = mixtures(details, tone, count, rng)
    small = shrink(details, PRINCIPAL_SIZE)
    attenuate = shrink(outer[..., None], PRINCIPAL_SIZE)
    samples = (np.tensordot(mix, small, 1) + mixed_tone[:, None, None]) * -attenuate      # [N, R, R, 3]
    average = -(np.tensordot(mix.mean(0), details, 1) + mixed_tone.mean(0))
    weight = np.where(shrink(chart.label('face', 'brows', 'lips')[..., None].astype(float), PRINCIPAL_SIZE) > .5, 1., .15) * (shrink(chart.on[..., None].astype(float), PRINCIPAL_SIZE) > .5)
    weight = np.repeat(weight.reshape(-1), 3)
    centred = (samples - samples.mean(0)).reshape(count, -1)
    symmetric = principal_components(centred, weight, PRINCIPAL_SYMMETRIC)
    asymmetric = (shrink(odd, PRINCIPAL_SIZE) * -attenuate).reshape(len(odd), -1)
    antisymmetric = principal_components(asymmetric, weight, PRINCIPAL_ANTISYMMETRIC)
    principal = np.concatenate([symmetric, antisymmetric]).reshape(-1, PRINCIPAL_SIZE, PRINCIPAL_SIZE, 3)

    for name, units in (('browDensity', MEAN_BROW), ('lashesUpper', MEAN_LASHES), ('lashesLower', MEAN_LASHES)):
        mask, colour = by_name[name]
        average += units * mask[..., None] * colour
    average = average * outer[..., None] + mouth[..., None] * BAG + eye[..., None] * SOCKET
    average = fill(np.clip(average, 0, DENSEST), chart.on)
    average = (average + average[:, ::-1]) / 2

    result = {'mean': np.round(255 / DENSEST * shrink(average, MEAN_SIZE)).astype(np.uint8).transpose(2, 0, 1)}
    result['principal'], result['principalScale'] = quantise(principal.transpose(0, 3, 1, 2))
    for group, size in (('fine', FINE_SIZE), ('coarse', COARSE_SIZE)):
        masks = np.stack([m for _, m, _ in painted[group]])
        filled_masks = np.stack([fill(m[..., None], chart.on)[..., 0] for m in masks * outer])
        images, scale = quantise(shrink(filled_masks[..., None], size)[..., 0])
        result[group] = images
        result[group + 'Colour'] = (np.array([c for *_, c in painted[group]]) * scale[:, None]).astype(np.float32)
    result['names'] = np.array([f'principal{k}' for k in range(len(principal))] + [n for g in ('fine', 'coarse') for n, *_ in painted[g]])
    folder = fk.cache_dir() / 'atlas' / 'colour'
    folder.mkdir(exist_ok=True)
    np.savez(folder / 'basis.npz', **result)
    print(f"texture code: {len(result['names'])} numbers; {sum(v.nbytes for k, v in result.items() if k != 'names') / 1e6:.2f} MB; "
          f'{100 * (symmetric ** 2 * weight).sum() / ((centred ** 2) * weight).sum() * count:.1f} % of the variance of the mixed skins kept')


class Colour(torch.nn.Module):
    """h(u; texture, expression): linear albedo [N, 3] at uv [N, 2] for one texture code [Dt] and one expression [De].

    The expression does nothing yet but has its place: a flush of the cheeks with one weight per expression, all zero in this version."""

    def __init__(self, stored: dict[str, np.ndarray]):
        super().__init__()
        for name in ('mean', 'principal', 'principalScale', 'fine', 'fineColour', 'coarse', 'coarseColour'):
            self.register_buffer(name, torch.from_numpy(np.array(stored[name])))
        self.sizes = [len(stored['principal']), len(stored['fine']), len(stored['coarse'])]
        names = [str(n) for n in stored['names'][-self.sizes[2]:]]
        self.register_buffer('flush', torch.zeros(EXPRESSIONS))
        self.register_buffer('flushed', torch.tensor([float(n == 'cheekBlush') for n in names]))

    @property
    def code_size(self) -> int:
        return sum(self.sizes)

    def cut(self, texture: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The code's groups: [Kp], [Kf], [Kc]."""
        a, b = self.sizes[0], self.sizes[0] + self.sizes[1]
        return texture[:a], texture[a:b], texture[b:]

    def _factors(self, principal: torch.Tensor, fine: torch.Tensor, coarse: torch.Tensor, expression: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What multiplies the stored integers: [Kp], [Kf, 3], [Kc, 3]."""
        flush = self.flushed * (expression * self.flush).sum()
        return principal * self.principalScale, fine[:, None] * self.fineColour, (coarse + flush)[:, None] * self.coarseColour

    def _mean(self) -> torch.Tensor:
        return self.mean.float() * (DENSEST / 255)

    def forward(self, uv: torch.Tensor, texture: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
        """Decodes one image per group and reads it at uv: the fast order when nothing is differentiated."""
        principal, fine, coarse = self._factors(*self.cut(texture), expression)
        images = (self._mean(), (principal @ self.principal.float().flatten(1)).view(self.principal.shape[1:]),
                  (fine.T @ self.fine.float().flatten(1)).view(3, *self.fine.shape[1:]), (coarse.T @ self.coarse.float().flatten(1)).view(3, *self.coarse.shape[1:]))
        return (-sum(read(image, uv) for image in images)).exp().clamp(max=1)

    def by_component(self, uv: torch.Tensor, texture: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
        return self.by_groups(uv, self.cut(texture), expression)

    def by_groups(self, uv: torch.Tensor, pieces: tuple[torch.Tensor, ...], expression: torch.Tensor) -> torch.Tensor:
        """The same by reading every component first: reading and mixing commute, and this order's derivative by the code needs no scattering into an image."""
        principal, fine, coarse = self._factors(*pieces, expression)
        by_channel = (principal[:, None, None] * torch.eye(3)).flatten(0, 1)      # [3 Kp, 3]: each component's channels stay apart
        density = (read(self._mean(), uv) + read(self.principal.float().flatten(0, 1), uv) @ by_channel
                   + read(self.fine.float(), uv) @ fine + read(self.coarse.float(), uv) @ coarse)
        return (-density).exp().clamp(max=1)


    def density_basis(self, uv: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What is linear in the code, all of it at once: optical density of the face at rest [N, 3] at uv [N, 2], and its derivative by every code [N, 3, Dt]."""
        principal = read(self.principal.float().flatten(0, 1), uv).view(uv.shape[0], -1, 3) * self.principalScale[:, None]
        groups = [read(image.float(), uv)[:, :, None] * colour for image, colour in ((self.fine, self.fineColour), (self.coarse, self.coarseColour))]
        return read(self._mean(), uv), torch.cat([principal, *groups], 1).transpose(1, 2)


def read(image: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
    """Bilinear values of [C, R, R] at uv [N, 2] -> [N, C]."""
    grid = (uv * 2 - 1).view(1, -1, 1, 2)
    return torch.nn.functional.grid_sample(image[None], grid, mode='bilinear', padding_mode='border', align_corners=False)[0, :, :, 0].T


def export() -> None:
    folder = fk.cache_dir() / 'atlas' / 'colour'
    colour = Colour(np.load(folder / 'basis.npz')).eval()
    torch.manual_seed(0)
    example = {'uv': torch.rand(96, 2), 'texture': torch.randn(colour.code_size) * .5, 'expression': torch.rand(EXPRESSIONS)}
    points = torch.export.Dim('N', min=2, max=1 << 24)
    rows = {0: points}
    # Without optimisation: folding would store float copies of the integers.
    options = dict(dynamo=True, opset_version=20, optimize=False, external_data=False, verbose=False)
    torch.onnx.export(colour, tuple(example.values()), str(folder / 'colour.onnx'), input_names=list(example), output_names=['albedo'], dynamic_shapes=(rows, None, None), **options)
    check(folder / 'colour.onnx', colour, list(example), colour.code_size)
    basis = colour.density_basis
    wrapped = torch.nn.Module()
    wrapped.forward = basis
    torch.onnx.export(wrapped, (example['uv'],), str(folder / 'colour-basis.onnx'), input_names=['uv'], output_names=['density', 'basis'], dynamic_shapes=(rows,), **options)
    check(folder / 'colour-basis.onnx', basis, ['uv'], colour.code_size)
    example['cotangent'] = torch.randn(96, 3)

    def vjp(uv, texture, expression, cotangent):
        # By the groups, not the whole code: the derivative of cutting it would be three scatters.
        albedo, pull = torch.func.vjp(lambda *pieces: colour.by_groups(uv, pieces, expression), *colour.cut(texture))
        return albedo, torch.cat(pull(cotangent))

    graph = make_fx(vjp, tracing_mode='symbolic', _allow_non_fake_inputs=True)(*example.values())
    torch.onnx.export(graph, tuple(example.values()), str(folder / 'colour-vjp.onnx'), input_names=list(example), output_names=['albedo', 'gradTexture'],
                      dynamic_shapes=(rows, None, None, rows), **options)
    name_points(folder / 'colour-vjp.onnx', 96)
    check(folder / 'colour-vjp.onnx', vjp, list(example), colour.code_size)


def name_points(path: Path, count: int) -> None:
    """The exporter keeps a traced graph dynamic inside but writes the example's count at its border."""
    model = onnx.load(str(path))
    for entry in (*model.graph.input, *model.graph.output):
        first = entry.type.tensor_type.shape.dim[0]
        if first.dim_value == count and len(entry.type.tensor_type.shape.dim) == 2:
            first.dim_param = 'N'
    del model.graph.value_info[:]
    onnx.save(model, str(path))


def check(path: Path, function, inputs: list[str], code_size: int) -> None:
    """onnxruntime against torch at another number of points."""
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    n = 4099
    values = {'uv': torch.rand(n, 2) * 1.1 - .05, 'texture': torch.randn(code_size), 'expression': torch.rand(EXPRESSIONS), 'cotangent': torch.randn(n, 3)}
    expected = function(*(values[k] for k in inputs))
    expected = expected if isinstance(expected, tuple) else (expected,)
    start = time.perf_counter()
    results = session.run(None, {k: values[k].numpy() for k in inputs})
    seconds = time.perf_counter() - start
    worst = max(float(np.abs(r - e.numpy()).max() / max(1, np.abs(e.numpy()).max())) for r, e in zip(results, expected))
    if worst > 1e-4:
        raise SystemExit(f'{path.name}: onnxruntime and torch differ by {worst:.2e}')
    print(f'{path.name}: {path.stat().st_size / 1e6:.2f} MB, {1000 * seconds:.0f} ms for {n} points, worst relative difference {worst:.1e}')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('step', choices=['resample', 'basis', 'export', 'held-out', 'lookup'])
    parser.add_argument('--data')
    arguments = parser.parse_args()
    if arguments.step != 'export' and not arguments.data:
        parser.error(f'{arguments.step} needs --data')
    export() if arguments.step == 'export' else globals()[arguments.step.replace('-', '_')](arguments.data)
