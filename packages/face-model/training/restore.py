"""Reads the shipped networks back into checkpoints, so that training goes on from them when the cache is gone.

    python restore.py        ../weights/*.onnx -> CACHE/runs/NAME-init.pt, from which train.py and parts.py start where there is no NAME.pt"""
from __future__ import annotations

import argparse
import functools
import gzip
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

import fields
from encoder import Encoder, Refinement
from fields import SHEETS
from fit import FOLDER
from parts import MOUTH_PARTS

WEIGHTS = Path(__file__).parent.parent / 'weights'


def weights_of(file: str, prefix: str) -> dict[str, torch.Tensor]:
    """The graph's weights whose names start with the prefix, without it, in single precision."""
    stored = {t.name: read(t) for t in onnx.load(str(WEIGHTS / file), load_external_data=False).graph.initializer}
    found = {}
    for name, array in stored.items():
        base, _, kind = name.rpartition('.')
        if kind == 'byte':
            found[base] = array * stored[f'{base}.scale']
        elif not (kind == 'scale' and f'{base}.byte' in stored):
            found[base if kind == 'half' else name] = array
    return {name.removeprefix(prefix): torch.from_numpy(a.astype(np.float32)) for name, a in found.items() if name.startswith(prefix) and not name.startswith('lifted_tensor')}      # constants of the code, not weights


def read(tensor: onnx.TensorProto) -> np.ndarray:
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return numpy_helper.to_array(tensor)
    place = {entry.key: entry.value for entry in tensor.external_data}
    start, length = int(place['offset']), int(place['length'])
    inside = onnx.TensorProto(dims=tensor.dims, data_type=tensor.data_type, name=tensor.name, raw_data=unpacked(WEIGHTS / place['location'])[start:start + length])
    return numpy_helper.to_array(inside)


@functools.cache
def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def restore(name: str, module: nn.Module, state: dict[str, torch.Tensor]) -> None:
    missing, unexpected = module.load_state_dict(state, strict=False)
    # Encodings come from their seeds, and a graph keeps equal ones once.
    if unexpected or any(not n.endswith('.frequency') for n in missing):
        raise SystemExit(f'restore: the shipped {name} is not the network that fields.py makes; missing {missing}, unexpected {unexpected}. Check out the commit that exported it.')
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.save({'module': module.state_dict(), 'slow': module.state_dict()}, FOLDER / f'{name}-init.pt')
    print('wrote', FOLDER / f'{name}-init.pt')


if __name__ == '__main__':
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for sheet in SHEETS:
        restore(f'template-{sheet}', fields.make_template(sheet), weights_of('sdf.onnx', f'templates.{sheet}.'))
        restore(f'forward-{sheet}', fields.make_forward(sheet), weights_of('sdf.onnx', f'deformation.forward_fields.{sheet}.'))
    for stage in ('deformation', 'deformation-views'):      # the shipped network has both stages behind it; either can go on
        restore(stage, fields.make_deformation({s: fields.make_forward(s) for s in SHEETS}, torch.zeros(fields.DG + fields.DE)), weights_of('sdf.onnx', 'deformation.'))
    for part in MOUTH_PARTS:
        restore(f'part-{part}', fields.make_part(), weights_of('sdf.onnx', f'parts.fields.{part}.'))
    restore('uv', fields.make_uv(), weights_of('uv.onnx', 'uv.'))
    restore('inverse-uv', fields.make_inverse_uv(), weights_of('inverse-uv.onnx', 'field.'))
    for name, file, network in (('encoder', 'encoder.onnx', Encoder), ('refinement', 'encoder-refinement.onnx', Refinement)):
        if (WEIGHTS / file).exists():
            restore(name, network(), weights_of(file, 'encoder.'))
