"""Regenerates the pictures and tables of ../MODEL_CARD.md from what ships in ../weights and from the training's curves in CACHE/runs.

    python card.py --gate gate.png [--figures figures.json]     with the sheet that gate.py wrote earlier
    python card.py --data DATA [--figures figures.json]         draws that sheet first, which takes minutes

`figures.json` is what `npm run --silent evaluate:model -- --data DATA --json` prints. A table whose source is absent stays as it is."""
from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
import onnxruntime
from matplotlib import pyplot
from PIL import Image
from safetensors.numpy import load

import facekit as fk
from restore import unpacked
from surface import interpolate, rasterize, rasterize_chart

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / 'images'
CARD = ROOT / 'MODEL_CARD.md'
CHART_SIZE = 512
TEXTURE_SIZE = 1024         # the texture to which texel densities refer
TILE = (220, 270)           # width, height of one face on the albedo sheet
FIGURES = {
    'surfaceMeanMm': ('true skin to zero set, face, mean', 'mm'), 'surfaceP95Mm': ('the same, 95 %', 'mm'), 'lipsP95Mm': ('the same at the lips, 95 %', 'mm'),
    'lidsP95Mm': ('the same at the lids, 95 %', 'mm'), 'backP95Mm': ('zero set to true surface, 95 %', 'mm'), 'backMaxMm': ('the same, worst', 'mm'),
    'normalMeanDeg': ('angle between normals, mean', 'degrees'), 'eikonalMean': ('deviation of the gradient\'s length from 1, mean', ''),
    'traceMissShare': ('camera rays that miss, or stop where nothing is', '%'), 'uvMedianMm': ('g against the atlas, median', 'mm'), 'uvP95Mm': ('the same, 95 %', 'mm'),
    'inverseUvMedianMm': ('g^-1 against the true place, median', 'mm'), 'inverseUvP95Mm': ('the same, 95 %', 'mm'), 'cycleMedianMm': ('g^-1(g(x)) to x, median', 'mm'),
    'cycleP95Mm': ('the same, 95 %', 'mm'),
    'transferMeanMm': ('expression recovered from scans on another face recovered from scans, three each, mean (target 0.8)', 'mm'), 'transferOneScanMeanMm': ('the same from one scan each', 'mm'),
    'transferUnmovedMeanMm': ('for scale: the target\'s true face at rest instead', 'mm'), 'penetrationMeanMm': ('lids in eyeballs, lips in teeth and each other, mesh of g^-1, mean', 'mm'),
    'penetrationGeneratorMeanMm': ('the same of the generator', 'mm'), 'penetrationLinearMeanMm': ('the same of its linear sum, before lids rest on the eyeballs', 'mm'), 'encoderMedianMm': ('encoder on portraits of held-out people and skins, median (target 1.7)', 'mm'), 'encoderMeanHeadMedianMm': ('the same of the mean head', 'mm'), 'albedoMae': ('held-out skins by the texture code, linear albedo, worst third of tone (target 0.06)', ''),
    'bytesShipped': ('all files', 'MB'), 'pointsPerSecond': ('f, 2 threads', 'thousand points/s'),
    'fmasPerPoint': ('multiply-adds of f per point', 'thousand'), 'fmaPeakShare': ('of the processor\'s peak that f uses', '%')}
SCALES = {'traceMissShare': 100, 'fmaPeakShare': 100, 'bytesShipped': 1e-6, 'pointsPerSecond': 1e-3, 'fmasPerPoint': 1e-3}
STEPS = {'template-head': 'T of the head', 'template-jaw': 'T of the jaw', 'uv': 'UV_T, the chart', 'forward-head': 'F of the head', 'forward-jaw': 'F of the jaw',
         'inverse-uv-trunk': 'start of g^-1', 'inverse-uv': 'g^-1', 'deformation': 'D and the corrections', 'deformation-views': 'D, second stage',
         'part-teethUpper': 'upper teeth', 'part-teethLower': 'lower teeth', 'part-tongue': 'tongue'}

ABLATIONS = {'full': 'first stage alone, short', 'views': 'with the second stage, short', 'no-correspondence': 'first stage without correspondences, short', 'plain': 'one conditioned network without a template, short',
             'deformation': 'first stage as trained for shipping', 'deformation-views': 'after the second stage', 'mean': 'the mean of both: what ships, g without the cycle', 'cycle': 'what ships, g with the cycle\'s step'}


class Shipped:
    """The model as it ships: its tensors, and its networks as functions of arrays."""

    def __init__(self):
        self.manifest = json.loads((ROOT / 'manifest.json').read_text())
        self.tensors = load(unpacked(ROOT / 'weights' / 'topology.packed'))
        self.sizes = self.manifest['codes']
        self.sessions: dict[str, onnxruntime.InferenceSession] = {}

    def run(self, name: str, **inputs: np.ndarray) -> np.ndarray:
        """The first output of a network."""
        if name not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            network = self.manifest['networks'][name]
            graph, weights = (ROOT / self.manifest['files'][network[kind]]['path'] for kind in ('file', 'weights'))
            with tempfile.TemporaryDirectory() as folder:      # onnxruntime reads a graph's weights from the file beside it
                (Path(folder) / weights.name).write_bytes(unpacked(weights))
                path = shutil.copy(graph, folder)
                self.sessions[name] = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
        return self.sessions[name].run(None, {k: np.asarray(v, np.float32) for k, v in inputs.items()})[0]

    def skin(self, **codes: np.ndarray) -> np.ndarray:
        """Positions [V, 3] of the skin mesh's vertices."""
        return self.run('inverseUv', uv=self.tensors['skin.uv'], **codes)


def stretch(uv: np.ndarray, places: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Texels per millimetre [F] (the geometric mean over directions) and the ratio of largest to smallest stretch [F] of the chart's triangles."""
    u, x = (np.stack([v[triangles[:, k]] - v[triangles[:, 0]] for k in (1, 2)], -1) for v in (uv.astype(np.float64), places.astype(np.float64)))
    sigma = np.linalg.svd(x @ np.linalg.inv(u), compute_uv=False)              # [F, 2] metres per unit of the chart
    return TEXTURE_SIZE / (1000 * np.sqrt(sigma.prod(1))), sigma[:, 0] / sigma[:, 1]


def angular_distortion(ratio: np.ndarray) -> np.ndarray:
    """By how many degrees two directions on the surface may change their angle on the chart, at most: Tissot's maximum angular deformation, from the ratio of the stretches [F]."""
    return np.degrees(2 * np.arcsin((ratio - 1) / (ratio + 1)))


def draw_distortion(model: Shipped) -> dict[str, float]:
    """distortion.png: texel density, distortion of area and of angles on the mean face, front and side -> the face region's figures."""
    zero = {k: np.zeros(model.sizes[k]) for k in ('geometry', 'expression')}
    uv, triangles, places = model.tensors['skin.uv'], model.tensors['skin.triangles'].astype(np.int64), model.skin(**zero)
    density, ratio = stretch(uv, places, triangles)
    size = len(model.tensors['faceMask'])
    at = np.clip((uv[triangles].mean(1) * size).astype(int), 0, size - 1)
    face = model.tensors['faceMask'][at[:, 1], at[:, 0]] > 0
    area = (density / np.median(density[face])) ** 2                           # the chart's share of area over the surface's, 1 where the face's median is
    angle = angular_distortion(ratio)
    figure, axes = pyplot.subplots(2, 3, figsize=(10.5, 7.6), layout='constrained')
    maps = ((density, f'texels per mm of a {TEXTURE_SIZE}² texture', 'viridis', matplotlib.colors.LogNorm(.5, 12), [.5, 1, 2, 5, 10]),
            (area, 'area on the chart, face median = 1', 'RdBu_r', matplotlib.colors.LogNorm(1 / 16, 16), [.0625, .25, 1, 4, 16]),
            (angle, 'largest change of an angle, degrees', 'magma', matplotlib.colors.Normalize(0, 180), [0, 45, 90, 135, 180]))
    for row, yaw in enumerate((0, 55)):
        c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
        turned = places @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
        height, width = 420, 340
        scale = width / .24
        screen = np.c_[width / 2 + scale * turned[:, 0], height / 2 - scale * (turned[:, 1] + .01), turned[:, 2]]
        triangle, _ = rasterize(screen, triangles, height, width)
        normal = fk.vertex_normals(turned, triangles)[triangles].mean(1)
        light = np.clip(.35 + .65 * normal[:, 2], .2, 1)
        for axis, (values, title, colours, norm, ticks) in zip(axes[row], maps):
            colour = pyplot.get_cmap(colours)(norm(values))[:, :3] * light[:, None]
            axis.imshow(np.where(triangle[..., None] >= 0, colour[triangle], 1))
            axis.axis('off')
            if row == 0:
                axis.set_title(title, fontsize=10)
            else:
                bar = figure.colorbar(matplotlib.cm.ScalarMappable(norm, colours), ax=axis, location='bottom', shrink=.8, ticks=ticks)
                bar.ax.xaxis.set_major_formatter('{x:g}')
                bar.ax.minorticks_off()
    save(figure, 'distortion.png')
    weight = np.linalg.norm(np.cross(places[triangles[:, 1]] - places[triangles[:, 0]], places[triangles[:, 2]] - places[triangles[:, 0]]), axis=1) * face
    order = lambda values, share: values[np.argsort(values)][np.searchsorted(np.cumsum(weight[np.argsort(values)]), share * weight.sum())]
    return {'area distortion, 5 %': order(area, .05), 'area distortion, 95 %': order(area, .95), 'angle change, degrees, median': order(angle, .5), 'angle change, degrees, 95 %': order(angle, .95)}


def draw_atlas(model: Shipped) -> dict[str, float]:
    """atlas.png: the mean albedo with the 68 landmarks, texel density and distortion on the chart -> the face region's figures."""
    zero = {k: np.zeros(model.sizes[k]) for k in ('geometry', 'expression')}
    uv, triangles = model.tensors['skin.uv'], model.tensors['skin.triangles'].astype(np.int64)
    density, ratio = stretch(uv, model.skin(**zero), triangles)
    triangle, _ = rasterize_chart(uv.astype(np.float64), triangles, CHART_SIZE)
    on = triangle >= 0
    spread = lambda values: np.where(on, values[triangle], np.nan)
    place = (np.mgrid[:CHART_SIZE, :CHART_SIZE][::-1].reshape(2, -1).T + .5) / CHART_SIZE
    albedo = model.run('colour', uv=place, texture=np.zeros(model.sizes['texture']), expression=zero['expression']).reshape(CHART_SIZE, CHART_SIZE, 3)
    figure, axes = pyplot.subplots(1, 3, figsize=(12.6, 4.3), layout='constrained')
    axes[0].imshow(np.where(on[..., None], srgb(albedo), 1), extent=(0, 1, 1, 0))
    axes[0].plot(*model.tensors['landmarks68.uv'].T, '.', color='white', markeredgecolor='black', markeredgewidth=.4, markersize=5)
    axes[0].set_title('mean albedo, 68 landmarks')
    for axis, values, title, colours, norm in (
            (axes[1], density, f'texels per mm of a {TEXTURE_SIZE}² texture', 'viridis', matplotlib.colors.LogNorm(.5, 12)),
            (axes[2], ratio, 'largest / smallest stretch', 'magma', matplotlib.colors.LogNorm(1, 20))):
        image = axis.imshow(spread(values), cmap=colours, norm=norm, extent=(0, 1, 1, 0), interpolation='nearest')
        bar = figure.colorbar(image, ax=axis, shrink=.85, ticks=[t for t in (.5, 1, 2, 5, 10, 20) if norm.vmin <= t <= norm.vmax])
        bar.ax.yaxis.set_major_formatter('{x:g}')
        bar.ax.minorticks_off()
        axis.set_title(title)
    for axis in axes:
        axis.set(xticks=[0, .5, 1], yticks=[0, .5, 1])
    save(figure, 'atlas.png')
    step = len(model.tensors['faceMask']) // CHART_SIZE
    face = (model.tensors['faceMask'][::step, ::step] > 0) & on
    values = {'density': spread(density)[face], 'ratio': spread(ratio)[face]}
    return {'texels per mm, median': np.median(values['density']), 'texels per mm, 5 %': np.quantile(values['density'], .05),
            'stretch ratio, median': np.median(values['ratio']), 'stretch ratio, 95 %': np.quantile(values['ratio'], .95)}


def srgb(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= .0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - .055)


def portrait(model: Shipped, geometry: np.ndarray, expression: np.ndarray, texture: np.ndarray, zoom: int = 2) -> np.ndarray:
    """[height, width, 3] u8: the meshes of all parts from the front, albedo under a soft light."""
    width, height = TILE[0] * zoom, TILE[1] * zoom
    t, codes = model.tensors, {'geometry': geometry, 'expression': expression}
    moves = model.run('partTransforms', **codes)
    pieces = [(model.skin(**codes), t['skin.uv'], t['skin.triangles'])]
    pieces += [(t[f'{n}.positions'] @ m[:, :3].T + m[:, 3], t[f'{n}.uv'], t[f'{n}.triangles']) for n, m in zip(model.manifest['parts'][1:], moves)]
    first = np.cumsum([0] + [len(p) for p, *_ in pieces])
    places, uv = np.concatenate([p for p, *_ in pieces]), np.concatenate([u for _, u, _ in pieces])
    triangles = np.concatenate([f.astype(np.int64) + start for (*_, f), start in zip(pieces, first)])
    normals = fk.vertex_normals(places, triangles)
    depth = .9 - places[:, 2]                                                  # a camera on the axis, .9 m in front of the origin
    scale = width / .23 * .82 / depth
    at = np.c_[width / 2 + scale * places[:, 0], height / 2 - scale * (places[:, 1] + .005), -depth]
    triangle, weights = rasterize(at, triangles, height, width)
    hit = triangle >= 0
    index, weight = triangle[hit], weights[hit]
    part = np.searchsorted(first, triangles[index, 0], side='right') - 1
    chart = interpolate(uv, triangles, index, weight)
    colour = np.zeros((len(index), 3))
    skin = part == 0
    colour[skin] = model.run('colour', uv=chart[skin], texture=texture, expression=expression)
    for k, name in enumerate(model.manifest['parts'][1:], 1):
        image = t[f'{name}.texture']
        x, y = np.clip((chart[part == k] * len(image)).astype(int), 0, len(image) - 1).T
        colour[part == k] = (image[y, x] / 255.) ** 2.2
    normal = interpolate(normals, triangles, index, weight)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    light = .55 + .25 * normal[:, 2] + .18 * normal[:, 1] - .12 * normal[:, 0]
    out = np.ones((height, width, 3))
    out[hit] = colour * light[:, None] * 1.15
    out = out.reshape(TILE[1], zoom, TILE[0], zoom, 3).mean((1, 3))
    return np.round(255 * srgb(out)).astype(np.uint8)


def draw_albedo(model: Shipped, columns: int = 7, rows: int = 2, seed: int = 4) -> None:
    """albedo.png: random texture codes on random identities; the first face has the mean of both."""
    rng = np.random.default_rng(seed)
    expression = np.zeros(model.sizes['expression'])
    tiles = []
    for i in range(columns * rows):
        geometry, texture = (rng.standard_normal(model.sizes[k]) * (i > 0) for k in ('geometry', 'texture'))
        tiles.append(portrait(model, geometry, expression, texture))
    sheet = np.concatenate([np.concatenate(tiles[r * columns:(r + 1) * columns], 1) for r in range(rows)])
    write_small(Image.fromarray(sheet), IMAGES / 'albedo.png')


def read_curves() -> dict[str, list[dict[str, float]]]:
    """The curves of the steps that ran in this cache, in the order of training."""
    curves = {}
    for name in STEPS:
        path = fk.cache_dir() / 'runs' / f'{name}.csv'
        if path.is_file():
            with open(path) as file:
                curves[name] = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return curves


def held_out(row: dict[str, float]) -> dict[str, float]:
    return {k: v for k, v in row.items() if k not in ('step', 'seconds', 'loss')}


def draw_curves(curves: dict[str, list[dict[str, float]]]) -> None:
    """curves.png: the figures of every step over time."""
    rows = -(-len(curves) // 4)
    figure, axes = pyplot.subplots(rows, 4, figsize=(12.6, 2.5 * rows), layout='constrained')
    for axis, (name, lines) in zip(axes.flat, curves.items()):
        for key in held_out(lines[-1]):
            axis.plot([r['seconds'] / 60 for r in lines], [r[key] for r in lines], label=key)
        axis.set(title=STEPS[name], yscale='log', xlabel='minutes')
        axis.legend(fontsize=7)
    for axis in axes.flat[len(curves):]:
        axis.axis('off')
    save(figure, 'curves.png')


def save(figure: pyplot.Figure, name: str) -> None:
    path = IMAGES / name
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
    write_small(Image.open(path), path)


def write_small(image: Image.Image, path: Path) -> None:
    """A PNG of 256 colours, dithered: a third of the bytes."""
    image = image.convert('RGB')
    image.quantize(palette=image.quantize(256), dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def table(header: list[str], rows: list[list[str]]) -> str:
    return '\n'.join(f'| {" | ".join(row)} |' for row in [header, ['---'] * len(header), *rows])


def write_block(name: str, text: str) -> None:
    """Replaces what stands between <!-- name --> and <!-- /name --> in the card."""
    card, start, stop = CARD.read_text(), f'<!-- {name} -->', f'<!-- /{name} -->'
    if card.count(start) != 1 or card.count(stop) != 1:
        raise SystemExit(f'{CARD} should hold {start} and {stop} once each.')
    head, rest = card.split(start)
    CARD.write_text(f'{head}{start}\n\n{text}\n\n{stop}{rest.split(stop)[1]}')


def figures_table(path: Path, model: str) -> str:
    report = json.loads(path.read_text())
    if report['model'] != model:
        raise SystemExit(f'{path} was measured on {report["model"]}, the weights are {model}. Run evaluate:model again.')
    rows = [[f'`{key}`', meaning, f'{report[key] * SCALES.get(key, 1):.3g} {unit}'.strip()] for key, (meaning, unit) in FIGURES.items() if key in report]
    return f'{report["faces"]} held-out faces.\n\n' + table(['figure', 'what', 'value'], rows)


def ablations_table(path: Path) -> str:
    rows = json.loads(path.read_text())
    columns = {'surfaceMeanMm': 'surface, mm', 'surfaceP95Mm': '95 %', 'normalMeanDeg': 'normals, degrees', 'uvMedianMm': 'place by the chart, mm', 'uvP95Mm': '95 %'}
    return table(['', *columns.values()], [[ABLATIONS[name], *(f'{row[key]:.2f}' if key in row else '' for key in columns)] for name, row in rows.items()])


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--gate', type=Path, help='a sheet by gate.py')
    parser.add_argument('--data', help='to draw that sheet')
    parser.add_argument('--figures', type=Path, help='the JSON of evaluate:model')
    parser.add_argument('--ablations', type=Path, help='the JSON of ablations.py')
    arguments = parser.parse_args()
    if not arguments.gate and not arguments.data:
        parser.error('give --gate FILE, or --data DATA to draw it')
    matplotlib.use('Agg')
    IMAGES.mkdir(exist_ok=True)
    gate = arguments.gate or fk.cache_dir() / 'gate.png'
    if not arguments.gate:
        subprocess.run([sys.executable, Path(__file__).with_name('gate.py'), '--data', arguments.data, '--out', gate], check=True)
    write_small(Image.open(gate), IMAGES / 'gate.png')
    model = Shipped()
    write_block('chart', table(['on the face region', 'value'], [[k, f'{v:.2f}'] for k, v in (draw_atlas(model) | draw_distortion(model)).items()]))
    draw_albedo(model)
    write_block('files', table(['file', 'kB'], [[f'`{f["path"]}`', f'{f["bytes"] / 1000:.0f}'] for f in model.manifest['files'].values()]))
    if curves := read_curves():
        draw_curves(curves)
        write_block('training', table(['step', 'minutes', 'steps', 'held out at the end'], [
            [STEPS[name], f'{rows[-1]["seconds"] / 60:.0f}', f'{rows[-1]["step"]:.0f}', ', '.join(f'{k} {v:.3g}' for k, v in held_out(rows[-1]).items())]
            for name, rows in curves.items()]))
    if arguments.figures:
        write_block('figures', figures_table(arguments.figures, model.manifest['id']))
    if arguments.ablations:
        write_block('ablations', ablations_table(arguments.ablations))
    print('wrote', CARD, 'and', ', '.join(sorted(f'{p.name} ({p.stat().st_size / 1000:.0f} kB)' for p in IMAGES.glob('*.png'))))
