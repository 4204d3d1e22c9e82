"""Brings the public sources into the layout that training reads (README.md says where to get them).

    python gather.py facekit --source ICT-FaceKit/FaceXModel --data DATA    DATA/facekit/facekit.npz and vertex_indices.json
    python gather.py skins --data DATA                                      DATA/skins/manifest.tsv for the whole skin textures in that folder"""
from __future__ import annotations

import argparse
import csv
import re
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm


def read_quads(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An OBJ file of quads and triangles -> positions [V, 3], uv [T, 2], faces [Q, 4], faces_uv [Q, 4]; -1 pads triangles."""
    positions, uv, faces, faces_uv = [], [], [], []
    for line in path.read_text().splitlines():
        kind, *words = line.split() or ['']
        if kind == 'v':
            positions.append([float(w) for w in words[:3]])
        elif kind == 'vt':
            uv.append([float(w) for w in words[:2]])
        elif kind == 'f':
            corners = np.full((2, 4), -1)
            corners[:, :len(words)] = np.array([w.split('/')[:2] for w in words], int).T - 1
            faces.append(corners[0])
            faces_uv.append(corners[1])
    return np.array(positions), np.array(uv), np.array(faces, np.int32).reshape(-1, 4), np.array(faces_uv, np.int32).reshape(-1, 4)


def shape_offsets(path: Path, neutral: np.ndarray) -> np.ndarray:
    """[V, 3] what an OBJ file of the same mesh adds to the neutral."""
    positions = np.array([line.split()[1:4] for line in path.read_text().splitlines() if line.startswith('v ')], float)
    if positions.shape != neutral.shape:
        raise SystemExit(f'{path} has {len(positions)} vertices, the neutral mesh has {len(neutral)}. Are all files of one version of FaceKit?')
    return (positions - neutral).astype(np.float32)


def facekit(source: Path, data: Path) -> None:
    """FaceXModel holds the neutral mesh, one OBJ per identity mode (identity000 ...) and one per expression: every other name."""
    neutral_path = source / 'generic_neutral_mesh.obj'
    if not neutral_path.is_file():
        raise SystemExit(f'{neutral_path} is missing. --source must name the folder FaceXModel of ICT-FaceKit.')
    neutral, uv, faces, faces_uv = read_quads(neutral_path)
    others = sorted(p for p in source.glob('*.obj') if p != neutral_path)
    identity = [p for p in others if re.fullmatch(r'identity\d+', p.stem)]
    expression = [p for p in others if p not in identity]
    identity_offsets, expression_offsets = (np.array([shape_offsets(p, neutral) for p in tqdm(paths, desc=title, mininterval=5)])
                                            for title, paths in (('identities', identity), ('expressions', expression)))
    folder = data / 'facekit'
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / 'facekit.npz', neutral=neutral.astype(np.float32), identity_offsets=identity_offsets, expression_offsets=expression_offsets,
                        expression_names=[p.stem for p in expression], uv=uv.astype(np.float32), faces=faces, faces_uv=faces_uv)
    shutil.copy(source / 'vertex_indices.json', folder)
    print(f'wrote {folder / "facekit.npz"}: {len(identity)} identity modes, {len(expression)} expressions')


def skins(data: Path) -> None:
    """Whole textures need no crop: only their size has to be known."""
    folder = data / 'skins'
    paths = sorted(p for p in folder.glob('*') if p.suffix.lower() in ('.png', '.jpg', '.webp'))
    if not paths:
        raise SystemExit(f'{folder} holds no skin texture (png, jpg or webp).')
    with open(folder / 'manifest.tsv', 'w', newline='') as file:
        writer = csv.writer(file, delimiter='\t')
        writer.writerow(['file', 'source_size_px', 'crop_left_px', 'crop_top_px'])
        for path in paths:
            with Image.open(path) as image:
                width, height = image.size
            if width != height:
                raise SystemExit(f'{path} should be a whole square skin texture; it is {width} x {height}.')
            writer.writerow([path.name, width, 0, 0])
    print(f'wrote {folder / "manifest.tsv"}: {len(paths)} skins')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('step', choices=['facekit', 'skins'])
    parser.add_argument('--source', type=Path, help='FaceKit\'s folder FaceXModel')
    parser.add_argument('--data', type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.step == 'facekit':
        if not arguments.source:
            parser.error('facekit needs --source')
        facekit(arguments.source, arguments.data)
    else:
        skins(arguments.data)
