"""Writes what ships: ../weights/*.onnx, ../weights/topology.packed, ../manifest.json, and reference tensors for the TypeScript tests.

    python export.py --data DATA [--version 0.1.0]

Vector-Jacobian products are graphs of their own: `torch.func.vjp`, traced by `make_fx`, exported with the points' axis dynamic."""
from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from itertools import count, product
from pathlib import Path
from string import ascii_lowercase, digits

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from safetensors.numpy import save, save_file
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

import facekit as fk
import fields
import topology
from albedo import Colour
from distance import Mesh
from encoder import CROP, GRID, POINTS, REFINED, WIDTHS, Encoder, Refinement, Symmetric, cylinder
from eyes import LidContact
from fields import SHEETS
from fit import FOLDER, trained
from parts import MOUTH_PARTS, Parts
from samples import Skin, template_codes
from surface import interpolate

HERE = Path(__file__).parent
ARKIT = '''browInnerUp browDownLeft browDownRight browOuterUpLeft browOuterUpRight eyeLookUpLeft eyeLookUpRight eyeLookDownLeft eyeLookDownRight eyeLookInLeft
eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeBlinkLeft eyeBlinkRight eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight cheekPuff cheekSquintLeft cheekSquintRight
noseSneerLeft noseSneerRight jawOpen jawForward jawLeft jawRight mouthFunnel mouthPucker mouthLeft mouthRight mouthRollUpper mouthRollLower mouthShrugUpper mouthShrugLower
mouthClose mouthSmileLeft mouthSmileRight mouthFrownLeft mouthFrownRight mouthDimpleLeft mouthDimpleRight mouthUpperUpLeft mouthUpperUpRight mouthLowerDownLeft
mouthLowerDownRight mouthPressLeft mouthPressRight mouthStretchLeft mouthStretchRight tongueOut'''.split()


def rig_matrix(names: list[str]) -> np.ndarray:
    """[58, 52] expression code from ARKit weights: each name onto FaceKit's shape or its left and right halves."""
    index = {n: i for i, n in enumerate(names)}
    out = np.zeros((len(names), len(ARKIT)), np.float32)
    for j, name in enumerate(ARKIT):
        side = name.replace('Left', '_L') if name.endswith('Left') else name.replace('Right', '_R') if name.endswith('Right') else name
        # jawLeft, mouthLeft and their twins are directions of a single shape, not halves.
        found = [name] if name in index else [side] if side in index else [f'{name}_L', f'{name}_R']
        for n in found:
            out[index[n], j] = 1
    return out


class InverseUv(nn.Module):
    """g^-1: the generator's linear sum, and then its contact of lids and eyeballs."""

    SIDE = 256      # texels of the chart's map of what contact moves

    def __init__(self, field, eyes, moved):
        super().__init__()
        self.field, self.eyes = field, eyes
        self.register_buffer('moved', moved)                                   # [SIDE * SIDE, 1], 1 on the face and 0 in the sockets

    def contact(self, points, uv, geometry, expression):
        return points + fields.read_bilinear(self.moved, self.SIDE, uv) * LidContact.offsets(self.eyes, points, geometry, expression)

    def forward(self, uv, geometry, expression):
        return self.contact(self.field(uv, torch.cat([geometry, expression])), uv, geometry, expression)

    def jacobian(self, uv, geometry, expression):
        """Contact moves the points, the derivatives are the linear sum's."""
        h = self.field.features(uv)
        j = self.field.jacobian_of(h)                                         # [N, 3, Dg + De]
        return self.contact(self.field.constant(h) * fields.SCALE + j @ torch.cat([geometry, expression]), uv, geometry, expression), j

    def vjp(self, uv, geometry, expression, cotangent):
        value, pull = torch.func.vjp(self.forward, uv, geometry, expression)
        return value, *pull(cotangent)


def moved_by_contact(skin: Skin, side: int) -> np.ndarray:
    """[side * side, 1] over the chart: 1 where the generator lets contact move the skin."""
    atlas = np.load(fk.cache_dir() / 'atlas' / 'atlas.npz')
    line = np.linspace(0, 1, side)
    u = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    flat = Mesh(np.pad(atlas['uv'], ((0, 0), (0, 1))), atlas['tris'])
    t, w, _ = flat.closest(np.pad(u, ((0, 0), (0, 1))))
    on = np.zeros(len(atlas['uv']))
    on[skin.lid_vertices] = 1
    return (on[atlas['tris'][t]] * w).sum(1, keepdims=True).astype(np.float32)


class Geometry(nn.Module):
    """f, g and their shared inside: head and jaw by T(x + D) and a correction, the parts by their own fields, joined by min."""

    STEP = 1e-3           # of the chart, for the difference quotients of g^-1
    FARTHEST = .02        # how far a correction may go on the chart
    BELOW = .004          # metres under the lowest place of the neck's rim
    NEAR = .02            # metres from the jaw's box in its canonical space within which the jaw's field is evaluated

    def __init__(self, templates, uv, deformation, parts, inverse, jaw_box, rim_height, rim_motion):
        super().__init__()
        self.templates = nn.ModuleDict(templates)
        self.uv, self.deformation, self.parts, self.inverse = uv, deformation, parts, inverse
        self.register_buffer('low', torch.tensor(fields.BOUNDS[0]))
        self.register_buffer('high', torch.tensor(fields.BOUNDS[1]))
        self.register_buffer('jaw_box', jaw_box)                               # [2, 3] in the jaw's canonical space
        self.register_buffer('rim_height', rim_height)                         # [R] of places along the neck's rim, metres, and
        self.register_buffer('rim_motion', rim_motion)                         # [158, R] what codes add to it

    def skin(self, x, codes):
        inside = torch.minimum(torch.maximum(x, self.low), self.high)
        beyond = (x - inside).square().sum(-1).clamp_min(1e-14).sqrt()               # outside the trained volume: at least as far as its wall
        outputs = self.deformation.predict(inside, codes)
        head, head_place = self.sheet('head', inside, codes, outputs)
        # The jaw is asked only where it can be the nearer one.
        x0 = inside + outputs[:, self.deformation.PER_SHEET:self.deformation.PER_SHEET + 3] * fields.SCALE
        box = torch.minimum(torch.maximum(x0, self.jaw_box[0]), self.jaw_box[1])
        wall = (x0 - box).square().sum(-1).clamp_min(1e-14).sqrt()
        row = torch.nonzero(wall < self.NEAR)[:, 0]
        asked, asked_place = self.sheet('jaw', inside[row], codes, outputs[row])
        jaw = wall.index_put((row,), asked)
        place = head_place.index_put((row,), asked_place)
        canonical = torch.where((head <= jaw)[:, None], head_place, place)
        # Below the neck's rim there is nothing: the volume's floor has little to learn from, and here and there it was taken for skin.
        floor = (self.rim_height + codes @ self.rim_motion).amin(0) - self.BELOW
        return torch.maximum(torch.minimum(head, jaw) + beyond, floor - x[:, 1]), canonical

    def sheet(self, name, x, codes, outputs):
        """A sheet's distance [N] and canonical places [N, 3]."""
        _, canonical, correction = self.deformation.sheet(name, x, codes, outputs)
        return self.templates[name](canonical)[..., 0] + correction, canonical

    def distances(self, points, geometry, expression):
        skin, canonical = self.skin(points, torch.cat([geometry, expression]))
        return torch.cat([skin[:, None], self.parts(points, geometry, expression)], 1), canonical

    def sdf(self, points, geometry, expression):
        d, canonical = self.distances(points, geometry, expression)
        return d.amin(-1), d, canonical

    def template(self, canonical):
        """T of each sheet, what a renderer bakes once. [N, 3] -> [N, 2]"""
        return torch.cat([self.templates[sheet](canonical) for sheet in SHEETS], -1)

    def template_uv(self, canonical):
        """UV_T, the chart on the canonical space. [N, 3] -> [N, 2]"""
        return self.uv(canonical).clamp(0, 1)

    def deform(self, points, geometry, expression):
        """D of each sheet and the correction of its distance, what a renderer bakes per pair of codes. [N, 3] -> [N, 2, 3], [N, 2]"""
        found = self.deformation(points, torch.cat([geometry, expression]))
        return torch.stack([found[sheet][1] for sheet in SHEETS], 1), torch.stack([found[sheet][2] for sheet in SHEETS], 1)

    def mouth_parts(self, template):
        """The fields of teeth and tongue in their own template spaces, without the boxes that end them. [N, 3] -> [N, 3]"""
        return torch.cat([self.parts.fields[part](template) for part in MOUTH_PARTS], -1)

    def sdf_vjp(self, points, geometry, expression, cotangent):
        value, pull = torch.func.vjp(lambda p, g, e: self.distances(p, g, e)[0].amin(-1), points, geometry, expression)
        return value, *pull(cotangent)

    def skin_chart(self, points, canonical, geometry, expression):
        """UV_T(x + D), then one Gauss-Newton step toward the place whose g^-1 is the point: what the step removes is the error of UV_T and of D along the skin."""
        u = self.uv(canonical).clamp(0, 1)
        probes = u[:, None] + torch.tensor([[0., 0.], [self.STEP, 0.], [0., self.STEP]])     # [N, 3, 2]: one pass for all three
        base, right, down = self.inverse(probes.reshape(-1, 2), geometry, expression).reshape(-1, 3, 3).unbind(1)
        jx, jy = (right - base) / self.STEP, (down - base) / self.STEP
        rest = points - base
        a, b, c = (jx * jx).sum(-1), (jx * jy).sum(-1), (jy * jy).sum(-1)
        p, q = (jx * rest).sum(-1), (jy * rest).sum(-1)
        determinant = (a * c - b * b).clamp_min(1e-9)
        step = torch.stack([(c * p - b * q) / determinant, (a * q - b * p) / determinant], -1)
        return (u + step.clamp(-self.FARTHEST, self.FARTHEST)).clamp(0, 1)

    def chart(self, points, geometry, expression):
        d, canonical = self.distances(points, geometry, expression)
        part = d.argmin(-1)
        skin = self.skin_chart(points, canonical, geometry, expression)
        charts = torch.cat([skin[:, None], self.parts.charts(points, geometry, expression)], 1)   # [N, 6, 2]
        return torch.gather(charts, 1, part[:, None, None].expand(-1, 1, 2))[:, 0], part.float()


def load_deformation(kit: fk.FaceKit) -> fields.Deformation:
    """D and F as they ship: the mean of the weights after the first and the second stage. It has the surface of the one and the normals of the other (cf. Wortsman et al. 2022)."""
    first, second = (trained(stage, fields.make_deformation({s: fields.make_forward(s) for s in SHEETS}, torch.from_numpy(template_codes(kit)))) for stage in ('deformation', 'deformation-views'))
    for a, b in zip(first.parameters(), second.parameters()):
        a.lerp_(b, .5)
    return first


def load_geometry(kit: fk.FaceKit) -> Geometry:
    """The trained geometry networks from the cache."""
    parts = Parts(dict(np.load(FOLDER / 'part-transforms.npz')), kit.names)
    for n in MOUTH_PARTS:
        parts.fields[n].load_state_dict(trained(f'part-{n}', fields.make_part()).state_dict())
    deformation = load_deformation(kit)
    skin = Skin.of(kit)
    jaw = skin.template[np.unique(skin.sheets['jaw'])]
    return Geometry({s: trained(f'template-{s}', fields.make_template(s)) for s in SHEETS}, trained('uv', fields.make_uv()), deformation, parts,
                    InverseUv(trained('inverse-uv', fields.make_inverse_uv()), parts, torch.from_numpy(moved_by_contact(skin, InverseUv.SIDE))), torch.from_numpy(np.stack([jaw.min(0), jaw.max(0)])), torch.from_numpy(skin.neutral[skin.rim, 1]), torch.from_numpy(skin.basis[:, skin.rim, 1]).half().float()).requires_grad_(False)


HALVED = 2048     # weights from this size on are stored as fp16
# These, the largest and the least delicate, as int8 with a scale per row or column: feature tables, the matrices that make the conditioned layers from the codes, and the encoder.
BYTES = {'table': 0, 'deformation.head.weight': 1, 'deformation.biases.weight': 1, 'squeeze.weight': 1, 'seen.weight': 1, 'mix.weight': 1, 'correct.weight': 1, 'linear.weight': 1,
         **{f'{name}.weight': (1, 2, 3) for name in (*(f'convolutions.{i}' for i in range(len(WIDTHS))), *(f'residuals.{i}.{half}' for i in REFINED for half in ('first', 'second')))}}


def byte_axis(name: str, size: int) -> int | tuple[int, ...] | None:
    return next((axis for end, axis in BYTES.items() if size >= HALVED and name.endswith(end)), None)


def to_bytes(array: np.ndarray, axis: int | tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(int8, scale) with array = int8 * scale; the largest magnitude along the axis is 127."""
    scale = np.maximum(np.abs(array).max(axis, keepdims=True), 1e-9).astype(np.float32) / 127
    return np.round(array / scale).astype(np.int8), scale


def as_stored(name: str, array: np.ndarray) -> np.ndarray:
    """What is left of a weight when it has been stored and read again."""
    axis = byte_axis(name, array.size)
    if axis is not None:
        whole, scale = to_bytes(array, axis)
        return whole * scale
    return array.astype(np.float16).astype(np.float32) if array.size >= HALVED else array


def compress(model: onnx.ModelProto) -> None:
    """Stores large weights in one or two bytes with a Cast behind, which runtimes fold when they load: a fraction of the bytes, all arithmetic in fp32."""
    graph, behind, extra = model.graph, [], []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < HALVED or np.abs(array).max() > 6e4:
            continue
        name, axis = tensor.name, byte_axis(tensor.name, array.size)
        if axis is None:
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f'{name}.half'))
            behind.append(helper.make_node('Cast', [f'{name}.half'], [name], to=onnx.TensorProto.FLOAT))
        else:
            whole, scale = to_bytes(array, axis)
            tensor.CopyFrom(numpy_helper.from_array(whole, f'{name}.byte'))
            extra.append(numpy_helper.from_array(scale, f'{name}.scale'))
            behind += [helper.make_node('Cast', [f'{name}.byte'], [f'{name}.whole'], to=onnx.TensorProto.FLOAT), helper.make_node('Mul', [f'{name}.whole', f'{name}.scale'], [name])]
    graph.initializer.extend(extra)
    nodes = behind + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


class Pool:
    """One file that holds the large weights of all networks, each once: many graphs are different views of the same networks. It ships packed by gzip, under the same name:
    servers unpack what they find as *.gz on their own, and then its hash would be wrong."""

    LEAST = 1024      # bytes from which on a weight moves out of its graph

    def __init__(self, path: Path):
        self.path, self.data, self.places = path, bytearray(), {}

    def take(self, model: onnx.ModelProto) -> None:
        for tensor in model.graph.initializer:
            raw = numpy_helper.to_array(tensor).tobytes()
            if len(raw) < self.LEAST:
                continue
            if raw not in self.places:
                self.data.extend(bytes(-len(self.data) % 16))
                self.places[raw] = len(self.data)
                self.data.extend(raw)
            for field in ('raw_data', 'float_data', 'int32_data', 'int64_data'):
                tensor.ClearField(field)
            tensor.data_location = onnx.TensorProto.EXTERNAL
            del tensor.external_data[:]
            for key, value in {'location': self.path.name, 'offset': self.places[raw], 'length': len(raw)}.items():
                tensor.external_data.add(key=key, value=str(value))
        self.path.write_bytes(self.data)

    def pack(self) -> None:
        self.path.write_bytes(packed(self.data))


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def share(model: onnx.ModelProto) -> None:
    """Keeps one of initialisers that are the same: tracing lifts a weight once per use."""
    kept, renamed = {}, {}
    for tensor in list(model.graph.initializer):
        key = (tensor.data_type, tuple(tensor.dims), numpy_helper.to_array(tensor).tobytes())
        if key in kept:
            renamed[tensor.name] = kept[key]
            model.graph.initializer.remove(tensor)
        else:
            kept[key] = tensor.name
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)


def name_weights(model: onnx.ModelProto, module: nn.Module) -> None:
    """Gives initialisers the names that the module's parameters and buffers have, so that restore.py can read them back."""
    names = {}
    for name, tensor in module.state_dict().items():
        names.setdefault((tuple(tensor.shape), tensor.numpy().tobytes()), name)
    renamed = {}
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        name = names.pop((array.shape, array.tobytes()), None)
        if name:
            renamed[tensor.name] = name
            tensor.name = name
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)


def shorten(model: onnx.ModelProto) -> None:
    """Leaves out what tracing notes about nodes and gives what passes between them the shortest names: half of a graph's bytes. Inputs, outputs and weights keep their names."""
    graph = model.graph
    del graph.value_info[:]
    kept = {v.name for v in (*graph.input, *graph.output)}
    taken = kept | {t.name for t in graph.initializer}
    free = (name for length in count(1) for name in map(''.join, product(digits + ascii_lowercase, repeat=length)) if name not in taken)
    names = {output: next(free) for node in graph.node for output in node.output if output and output not in kept}
    for node in graph.node:
        for field in ('name', 'doc_string', 'metadata_props'):
            node.ClearField(field)
        for places in (node.input, node.output):
            places[:] = [names.get(name, name) for name in places]


def export(path: Path, pool: Pool, module: nn.Module, function, inputs: dict[str, torch.Tensor], dynamic: list[str], outputs: list[str]) -> dict:
    """Traces a function of a module, exports, checks against torch in onnxruntime, and returns the manifest's entry."""
    names, example = list(inputs), tuple(inputs.values())
    with torch.no_grad():
        reference = function(*example)
    reference = reference if isinstance(reference, tuple) else (reference,)
    # A bound method would be traced with `self` counted among its arguments.
    graph = make_fx(lambda *args: function(*args), tracing_mode='symbolic', _allow_non_fake_inputs=True)(*example) if 'cotangent' in inputs else None

    class Wrapped(nn.Module):
        def forward(self, *args):
            return (graph or function)(*args)
    rows = torch.export.Dim('N', min=2, max=1 << 24)
    shapes = tuple({0: rows} if n in dynamic else None for n in names)
    torch.onnx.export(Wrapped(), example, str(path), input_names=names, output_names=outputs, dynamic_shapes=(shapes,), dynamo=True, opset_version=20, optimize=False,
                      external_data=False, verbose=False)
    model = onnx.load(str(path))
    for entry in (*model.graph.input, *model.graph.output):
        dim = entry.type.tensor_type.shape.dim
        if entry.name in dynamic or entry.name in outputs and dim and reference[outputs.index(entry.name)].shape[0] == example[0].shape[0]:
            dim[0].ClearField('dim_value')
            dim[0].dim_param = 'N'
    model.producer_name, model.producer_version = 'implicit-faces', ''
    share(model)
    name_weights(model, module)
    compress(model)
    pool.take(model)
    shorten(model)
    onnx.save(model, str(path))
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    for count in (example[0].shape[0], 7):
        cut = {n: v[:count] if n in dynamic else v for n, v in inputs.items()}
        with torch.no_grad():
            expected = function(*cut.values())
        expected = expected if isinstance(expected, tuple) else (expected,)
        got = session.run(None, {n: v.numpy() for n, v in cut.items()})
        for name, a, b in zip(outputs, got, expected):
            error = np.abs(a - b.detach().numpy()).max() / (np.abs(b.detach().numpy()).max() + 1e-9)
            if not error <= 2e-3:      # NaN included
                raise SystemExit(f'{path.name}: output {name} differs from torch by {error:.2e} of its largest value')
    entry = lambda n, v: {'dims': ['N' if n in dynamic or (n in outputs and v.dim() and v.shape[0] == example[0].shape[0]) else v.shape[0], *v.shape[1:]] if v.dim() else [], 'dtype': 'float32'}
    return {'inputs': {n: entry(n, v) for n, v in inputs.items()}, 'outputs': {n: entry(n, v) for n, v in zip(outputs, reference)}}


def load_encoder(kit: fk.FaceKit, name: str, network: type[Encoder]) -> Symmetric | None:
    """A trained encoder or refinement from the cache; a model may do without."""
    if not any((FOLDER / f'{name}{end}.pt').exists() for end in ('', '-init')):
        print(f'no {name} in {FOLDER}: the model ships without')
        return None
    return Symmetric(trained(name, network()), kit, np.load(fk.cache_dir() / 'atlas' / 'landmarks.npz')['points468'])


def write_topology(kit: fk.FaceKit, parts: Parts, weights: Path) -> None:
    eyes = lambda key: np.stack([getattr(parts, f'{e}_{key}').numpy() for e in ('eyeLeft', 'eyeRight')])
    shapes = {f'eyes.{key}': eyes(key) for key in ('centre', 'radius', 'bulge', 'frame')} | {'mouthParts.box': np.stack([getattr(parts, f'{n}_box').numpy() for n in MOUTH_PARTS])}
    # Where a refinement wants to know the answered face.
    atlas = fk.cache_dir() / 'atlas'
    places = interpolate(np.load(atlas / 'atlas.npz')['uv'], *cylinder(kit, GRID)).reshape(GRID, GRID, 2)
    looked = {'encoder.grid': np.float32(places), 'encoder.landmarks': np.float32(np.load(atlas / 'landmarks.npz')['uv468'])}
    tensors = topology.shipped(kit, parts) | looked | {'rig.matrix': rig_matrix(kit.names)} | shapes
    (weights / 'topology.packed').write_bytes(packed(save({k: np.ascontiguousarray(v) for k, v in tensors.items()})))


def list_files(weights: Path) -> dict[str, dict]:
    """The manifest's `files`."""
    out = {}
    for path in sorted(weights.iterdir()):
        data = path.read_bytes()
        encoding = {'encoding': 'gzip'} if path.suffix == '.packed' else {}
        out[camel(path.stem)] = {'path': f'weights/{path.name}', 'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest(), **encoding}
    return out


def camel(name: str) -> str:
    head, *rest = name.split('-')
    return head + ''.join(r.capitalize() for r in rest)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', required=True)
    parser.add_argument('--version', default='0.1.0')
    parser.add_argument('--only-topology', action='store_true', help='meshes and landmarks anew, the networks as they are')
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    weights = HERE.parent / 'weights'
    weights.mkdir(exist_ok=True)
    manifest_path = HERE.parent / 'manifest.json'
    if arguments.only_topology:
        kit = fk.FaceKit.load(arguments.data)
        write_topology(kit, load_geometry(kit).parts, weights)
        manifest_path.write_text(json.dumps(json.loads(manifest_path.read_text()) | {'files': list_files(weights)}, indent=1) + '\n')
        raise SystemExit
    for old in weights.glob('*'):
        old.unlink()
    kit = fk.FaceKit.load(arguments.data)
    geometry = load_geometry(kit)
    parts = geometry.parts
    encoders = {'encoder': load_encoder(kit, 'encoder', Encoder), 'encoder-refinement': load_encoder(kit, 'refinement', Refinement)}
    encoders = {name: encoder for name, encoder in encoders.items() if encoder}
    with torch.no_grad():      # what compress() will store, so that torch and the shipped graphs are the same network
        for name, p in [*geometry.named_parameters(), *(item for encoder in encoders.values() for item in encoder.state_dict().items())]:
            p.copy_(torch.from_numpy(as_stored(name, p.numpy())))
    inverse = geometry.inverse

    # Anew: making the networks has drawn from it, and what is drawn here shall not depend on which ones there are.
    torch.manual_seed(0)
    rng = np.random.default_rng(3)
    codes = torch.from_numpy(kit.random_codes(1, rng)[0])
    g, e = codes[:100], codes[100:]
    n = 64
    points = torch.from_numpy(rng.uniform(*fields.BOUNDS, (n, 3)).astype(np.float32)) * .8
    uv = torch.from_numpy(rng.uniform(.1, .9, (n, 2)).astype(np.float32))
    cot, cot3 = torch.randn(n), torch.randn(n, 3)
    both = {'geometry': g, 'expression': e}
    jobs = {
        'sdf': (geometry.sdf, {'points': points, **both}, ['points'], ['distance', 'partDistances', 'canonical']),
        'template': (geometry.template, {'canonical': points}, ['canonical'], ['distances']),
        'template-uv': (geometry.template_uv, {'canonical': points}, ['canonical'], ['uv']),
        'deformation': (geometry.deform, {'points': points, **both}, ['points'], ['canonical', 'corrections']),
        'mouth-parts': (geometry.mouth_parts, {'template': points}, ['template'], ['distances']),
        'sdf-vjp': (geometry.sdf_vjp, {'points': points, **both, 'cotangent': cot}, ['points', 'cotangent'], ['distance', 'gradPoints', 'gradGeometry', 'gradExpression']),
        'uv': (geometry.chart, {'points': points, **both}, ['points'], ['uv', 'chart']),
        'inverse-uv': (inverse.forward, {'uv': uv, **both}, ['uv'], ['points']),
        'inverse-uv-jacobian': (inverse.jacobian, {'uv': uv, **both}, ['uv'], ['points', 'jacobian']),
        'inverse-uv-vjp': (inverse.vjp, {'uv': uv, **both, 'cotangent': cot3}, ['uv', 'cotangent'], ['points', 'gradUv', 'gradGeometry', 'gradExpression']),
        'part-transforms': (lambda geometry, expression: parts.transforms(geometry, expression), both, [], ['transforms']),
    }
    faces = {'picture': torch.rand(3, CROP, CROP, 3), 'shape': torch.randn(3, POINTS, 3) * .1, 'placement': torch.cat([torch.eye(3).expand(3, 3, 3) * 4., torch.zeros(3, 3, 1)], 2)}
    answer = {'offsets': torch.randn(3, GRID, GRID, 3) * .005, 'firstGeometry': torch.randn(3, fields.DG), 'firstExpression': torch.rand(3, fields.DE)}
    for name, encoder in encoders.items():
        taken = faces if name == 'encoder' else faces | answer
        jobs[name] = (encoder.forward, taken, list(taken), ['geometry', 'expression', 'logVariance'])
    module_of = lambda name: encoders[name] if name in encoders else inverse if name.startswith('inverse') else geometry
    networks, pool = {}, Pool(weights / 'networks.packed')
    for name, (function, inputs, dynamic, outputs) in jobs.items():
        networks[camel(name)] = {'file': camel(name), 'weights': 'networks', **export(weights / f'{name}.onnx', pool, module_of(name), function, inputs, dynamic, outputs)}
        print(name, (weights / f'{name}.onnx').stat().st_size)
    # albedo.py has exported and checked the colour network; here it is only described.
    colour = fk.cache_dir() / 'atlas' / 'colour'
    colour_model = Colour(np.load(colour / 'basis.npz')).eval().requires_grad_(False)
    dt = colour_model.code_size
    texture = torch.from_numpy(rng.standard_normal(dt).astype(np.float32)) * .5
    spec = lambda *dims: {'dims': list(dims), 'dtype': 'float32'}
    common = {'uv': spec('N', 2), 'texture': spec(dt), 'expression': spec(fields.DE)}
    networks['colour'] = {'file': 'colour', 'weights': 'networks', 'inputs': common, 'outputs': {'albedo': spec('N', 3)}}
    networks['colourVjp'] = {'file': 'colourVjp', 'weights': 'networks', 'inputs': {**common, 'cotangent': spec('N', 3)}, 'outputs': {'albedo': spec('N', 3), 'gradTexture': spec(dt)}}
    networks['colourBasis'] = {'file': 'colourBasis', 'weights': 'networks', 'inputs': {'uv': spec('N', 2)}, 'outputs': {'density': spec('N', 3), 'basis': spec('N', 3, dt)}}
    for name in ('colour', 'colour-basis', 'colour-vjp'):
        model = onnx.load(str(colour / f'{name}.onnx'))
        pool.take(model)
        shorten(model)
        onnx.save(model, str(weights / f'{name}.onnx'))
    pool.pack()

    def colour_vjp(uv, texture, expression, cotangent):
        value, pull = torch.func.vjp(lambda t: colour_model.by_component(uv, t, expression), texture)
        return value, *pull(cotangent)

    write_topology(kit, parts, weights)
    with torch.no_grad():
        d, partd, canonical = geometry.sdf(points, g, e)
        _, gp, gg, ge = geometry.sdf_vjp(points, g, e, cot)
        # g near the skin, where it means something: far from it one step of Gauss-Newton makes much of little.
        near = inverse.forward(uv, g, e) + .001 * cot3
        chart_uv, chart = geometry.chart(near, g, e)
        reference = {'points': points, 'geometry': g, 'expression': e, 'texture': texture, 'uv': uv, 'cotangent': cot, 'cotangent3': cot3, 'sdf.distance': d,
                     'sdf.partDistances': partd, 'sdf.canonical': canonical, 'template.distances': geometry.template(points), 'templateUv.uv': geometry.template_uv(points),
                     'deformation.canonical': geometry.deform(points, g, e)[0], 'deformation.corrections': geometry.deform(points, g, e)[1],
                     'mouthParts.distances': geometry.mouth_parts(points), 'sdfVjp.gradPoints': gp, 'sdfVjp.gradGeometry': gg, 'sdfVjp.gradExpression': ge, 'uv.points': near, 'uv.uv': chart_uv,
                     'uv.chart': chart, 'inverseUv.points': inverse.forward(uv, g, e), 'inverseUvVjp.gradGeometry': inverse.vjp(uv, g, e, cot3)[2],
                     'partTransforms.transforms': parts.transforms(g, e), 'colour.albedo': colour_model(uv, texture, e), 'colourVjp.gradTexture': colour_vjp(uv, texture, e, cot3)[1]}
    fixture = HERE.parents[1] / 'test-utils' / 'fixtures' / 'model-reference.safetensors'
    fixture.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: np.ascontiguousarray(v.detach().numpy()) for k, v in reference.items()}, fixture, metadata={'magic': 'implicit-faces-reference', 'model': arguments.version})

    files = list_files(weights)
    manifest = {'id': f'implicit-faces-facekit-{arguments.version}', 'version': arguments.version, 'license': 'MIT', 'units': 'metre',
                'codes': {'geometry': fields.DG, 'expression': fields.DE, 'texture': dt}, 'expressionNames': kit.names, 'arkitNames': ARKIT, 'parts': fk.PARTS,
                'bounds': {'min': list(fields.BOUNDS[0]), 'max': list(fields.BOUNDS[1])}, 'files': files, 'networks': networks,
                'trainingData': [{'name': 'ICT-FaceKit', 'license': 'MIT', 'use': 'shape and expression'}, {'name': 'MakeHuman skins', 'license': 'CC0-1.0', 'use': 'albedo'},
                                 {'name': 'MediaPipe canonical face model', 'license': 'Apache-2.0', 'use': 'landmark places'}]}
    manifest_path.write_text(json.dumps(manifest, indent=1) + '\n')
    print('shipped', sum(f['bytes'] for f in files.values()), 'bytes')
