"""Light from environment maps as second-order spherical harmonics."""
from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import torch

HELD_OUT_LIGHT = ('apartment', 'esplanade', 'lab', 'sunrise')     # no training sees these; packages/benchmarks/src/synthetic uses them
COSINE_LOBE = np.array([1, *[2 / 3] * 3, *[.25] * 5])     # Ramamoorthi & Hanrahan 2001, over pi: irradiance that makes white of 1 under a white sky of 1


def read_hdr(path: Path) -> np.ndarray:
    """A Radiance RGBE picture with new-style run lengths -> [H, W, 3] linear."""
    data = path.read_bytes()
    end = data.index(b'\n\n') + 2
    line_end = data.index(b'\n', end)
    words = data[end:line_end].split()
    rgbe = _unpack(np.frombuffer(data, np.uint8)[line_end + 1:], int(words[1]), int(words[3]))
    return rgbe[..., :3].astype(np.float32) * np.ldexp(1., rgbe[..., 3:].astype(int) - 136).astype(np.float32)


@numba.njit(cache=True)
def _unpack(data, height, width):
    out, at = np.zeros((height, width, 4), np.uint8), 0
    for y in range(height):
        at += 4                                   # 2, 2 and the width
        for c in range(4):
            x = 0
            while x < width:
                count = int(data[at])
                if count > 128:
                    out[y, x:x + count - 128, c] = data[at + 1]
                    at, x = at + 2, x + count - 128
                else:
                    out[y, x:x + count, c] = data[at + 1:at + 1 + count]
                    at, x = at + 1 + count, x + count
    return out


def sh_basis(n):
    """Real spherical harmonics to the second order at unit vectors [.., 3] -> [.., 9], numpy or torch."""
    x, y, z = n[..., 0], n[..., 1], n[..., 2]
    columns = [.282095 + 0 * x, .488603 * y, .488603 * z, .488603 * x, 1.092548 * x * y, 1.092548 * y * z, .315392 * (3 * z * z - 1), 1.092548 * x * z, .546274 * (x * x - y * y)]
    return torch.stack(columns, -1) if isinstance(n, torch.Tensor) else np.stack(columns, -1)


class Sky:
    """An environment map, small: what it sheds on a head that is turned in it at random."""

    def __init__(self, path: Path):
        full = read_hdr(path)
        h, w = 32, 64
        self.radiance = full.reshape(h, full.shape[0] // h, w, full.shape[1] // w, 3).mean((1, 3)).reshape(-1, 3)
        theta, phi = np.meshgrid((np.arange(h) + .5) / h * np.pi, (np.arange(w) + .5) / w * 2 * np.pi, indexing='ij')
        self.direction = np.stack([np.sin(theta) * np.sin(phi), np.cos(theta), np.sin(theta) * np.cos(phi)], -1).reshape(-1, 3)
        self.solid = (np.sin(theta) * (np.pi / h) * (2 * np.pi / w)).reshape(-1, 1)

    @staticmethod
    def all_of(data: str, held_out: bool = False) -> list['Sky']:
        paths = sorted((Path(data) / 'hdri').glob('*.hdr'))
        if not paths:
            raise SystemExit(f'{Path(data) / "hdri"} holds no environment maps (*.hdr); training/README.md says where they come from.')
        return [Sky(p) for p in paths if (p.stem in HELD_OUT_LIGHT) == held_out]

    def irradiance(self, rotation: np.ndarray) -> np.ndarray:
        """[9, 3] coefficients of the irradiance in the camera's axes."""
        return (sh_basis(self.direction @ rotation.T).T @ (self.radiance * self.solid)) * COSINE_LOBE[:, None]


def random_lights(data: str, count: int, rng: np.random.Generator) -> torch.Tensor:
    """[count, 9, 3] coefficients of the irradiance under the training's maps, each turned at random and of mean 1."""
    skies, out = Sky.all_of(data), []
    for _ in range(count):
        turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        light = skies[rng.integers(len(skies))].irradiance(turn * np.sign(np.linalg.det(turn)))
        out.append(light / (light[0] * .282095).mean())
    return torch.from_numpy(np.array(out, np.float32))
