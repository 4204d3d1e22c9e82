"""The eyeballs: a sphere with the cornea's smaller sphere joined smoothly; the identity moves and stretches it, and the eyeLook* weights turn it (FaceKit moves only the lids). All in closed form."""
from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

import facekit as fk
import fields

EYES = ['eyeLeft', 'eyeRight']
GAZE_RADIANS = {'Up': math.radians(25), 'Down': math.radians(28), 'In': math.radians(28), 'Out': math.radians(30)}
CORNEA = .62            # the cornea's radius over the eyeball's, as in anatomy (7.8 : 12.5)
BLEND = .0012           # metres over which the two spheres join


def affine_fit(points: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[V, 3], [K, V, 3] -> ([K, 3, 4] with offset = A . (p, 1), root mean square residual [K])."""
    p = np.concatenate([points, np.ones((len(points), 1))], 1)
    a, *_ = np.linalg.lstsq(p, offsets.transpose(1, 0, 2).reshape(len(p), -1), rcond=None)
    a = a.reshape(4, len(offsets), 3).transpose(1, 2, 0)
    rest = offsets - np.einsum('kij,vj->kvi', a, p)
    return a.astype(np.float32), np.sqrt((rest ** 2).sum(-1).mean(-1))


def fit_sphere(points: np.ndarray) -> tuple[np.ndarray, float]:
    a = np.concatenate([2 * points, np.ones((len(points), 1))], 1)
    s, *_ = np.linalg.lstsq(a, (points ** 2).sum(1), rcond=None)
    return s[:3], float(np.sqrt(s[3] + (s[:3] ** 2).sum()))


def eye_fit(kit: fk.FaceKit, part: str) -> tuple[dict[str, np.ndarray], float]:
    """Centre, radius, reach and axis of the cornea, and how the identity moves and stretches the eyeball; then what of the identity's motion is not affine, metres."""
    v = kit.part_vertices(part)
    p = kit.neutral[v]
    centre, radius = fit_sphere(p[p[:, 2] < np.quantile(p[:, 2], .7)])
    front = p[np.linalg.norm(p - centre, axis=1) > radius * 1.02]
    bulge = np.linalg.norm(front - centre, axis=1).max()
    far = (front - centre)[np.linalg.norm(front - centre, axis=1) > radius * 1.05].mean(0)
    z = far / np.linalg.norm(far)
    x = np.cross([0, 1, 0], z) / np.linalg.norm(np.cross([0, 1, 0], z))
    frame = np.stack([x, np.cross(z, x), z], 1)                                # columns: the eyeball's own axes, +Z through the cornea
    affine, rest = affine_fit(p - centre, kit.identity[:, v])
    return {'centre': centre.astype(np.float32), 'radius': np.float32(radius), 'bulge': np.float32(bulge), 'frame': frame.astype(np.float32), 'affine': affine}, float(np.sqrt((rest ** 2).sum()))


class Eyes(nn.Module):
    """Transforms and signed distances of both eyeballs."""

    def __init__(self, fits: dict[str, np.ndarray], names: list[str]):          # fits: `eyeLeft.centre` and so on, from eye_fit
        super().__init__()
        for key, value in fits.items():
            self.register_buffer(key.replace('.', '_'), torch.from_numpy(np.asarray(value, np.float32)))
        index = {n: i for i, n in enumerate(names)}
        gaze = np.zeros((2, 2, fields.DE), np.float32)        # [eye, (yaw, pitch), De], radians; yaw toward +X, pitch upward
        for e, side in enumerate('LR'):
            out = 1 if side == 'L' else -1
            gaze[e, 0, index[f'eyeLookOut_{side}']] = out * GAZE_RADIANS['Out']
            gaze[e, 0, index[f'eyeLookIn_{side}']] = -out * GAZE_RADIANS['In']
            gaze[e, 1, index[f'eyeLookUp_{side}']] = GAZE_RADIANS['Up']
            gaze[e, 1, index[f'eyeLookDown_{side}']] = -GAZE_RADIANS['Down']
        self.register_buffer('gaze', torch.from_numpy(gaze))

    @staticmethod
    def of(kit: fk.FaceKit) -> 'Eyes':
        return Eyes({f'{e}.{k}': v for e in EYES for k, v in eye_fit(kit, e)[0].items()}, kit.names)

    def eye_transform(self, e: str, slot: int, geometry, expression):
        """[.., 3, 4] posed from template, for codes [.., 100], [.., 58]."""
        yaw, pitch = (expression @ self.gaze[slot].T).unbind(-1)
        cy, sy, cp, sp = torch.cos(yaw), torch.sin(yaw), torch.cos(pitch), torch.sin(pitch)
        zero = torch.zeros_like(cy)
        rotation = torch.stack([cy, -sy * sp, sy * cp, zero, cp, sp, -sy, -cy * sp, cy * cp], -1).unflatten(-1, (3, 3))   # turns +Z to the gaze
        identity = torch.eye(3, 4) + torch.tensordot(geometry, getattr(self, f'{e}_affine'), 1)   # about the eyeball's own centre
        centre = getattr(self, f'{e}_centre')
        linear = identity[..., :3] @ rotation                                  # the ball turns inside the stretched socket
        return torch.cat([linear, (identity[..., 3] + centre - linear @ centre)[..., None]], -1)

    def eye_local(self, e: str, p):
        """Template points in the eyeball's own axes: centre at the origin, cornea on +Z."""
        return (p - getattr(self, f'{e}_centre')) @ getattr(self, f'{e}_frame')

    def eye_distance(self, e: str, p):
        """Signed distance in template space, metres."""
        return self.eye_distance_and_normal(e, self.eye_local(e, p))[0]

    def eye_distance_and_normal(self, e: str, q):
        """The same, and its direction of steepest ascent, both in the eyeball's own axes."""
        r, bulge = getattr(self, f'{e}_radius'), getattr(self, f'{e}_bulge')
        small = r * CORNEA
        from_cornea = q - torch.stack([r * 0, r * 0, bulge - small])
        length = lambda v: v.square().sum(-1).clamp_min(1e-12).sqrt()
        to_ball, to_cornea = length(q), length(from_cornea)
        ball, cornea = to_ball - r, to_cornea - small
        h = (.5 + .5 * (cornea - ball) / BLEND).clamp(0, 1)
        distance = cornea + (ball - cornea) * h - BLEND * h * (1 - h)          # smooth minimum (Quilez)
        normal = q * (h / to_ball)[..., None] + from_cornea * ((1 - h) / to_cornea)[..., None]
        return distance, torch.nn.functional.normalize(normal, dim=-1)


def inverse_affine(m):
    """[.., 3, 4] affine maps -> (inverse of the linear part [.., 3, 3], determinant [..])."""
    c0, c1, c2 = m[..., :3].unbind(-1)
    determinant = (c0 * torch.linalg.cross(c1, c2)).sum(-1)
    return torch.stack([torch.linalg.cross(c1, c2), torch.linalg.cross(c2, c0), torch.linalg.cross(c0, c1)], -2) / determinant[..., None, None], determinant


class LidContact:
    """What the generator's linear sum lacks: lids rest on the eyeball instead of cutting into it.

    A place of a lid whose signed distance to the eyeball is s is moved along the eyeball's normal to w ln(1 + e^(s / w)): monotone, never negative, and nothing moves that is a
    millimetre clear. So lids keep their order in depth, and the map is smooth in the codes."""

    SOFT = .0002       # w, metres

    @classmethod
    def offsets(cls, eyes: Eyes, points, geometry, expression):
        """How far posed points [.., N, 3] of the lids move: [.., N, 3] metres. Codes [.., 100], [.., 58]."""
        total = 0.
        for slot, e in enumerate(EYES):
            m = eyes.eye_transform(e, slot, geometry, expression)
            inverse, determinant = inverse_affine(m)
            template = (points - m[..., None, :, 3]) @ inverse.transpose(-1, -2)
            distance, normal = eyes.eye_distance_and_normal(e, eyes.eye_local(e, template))
            push = torch.nn.functional.softplus(-distance / cls.SOFT) * cls.SOFT      # softplus(s) - s
            frame = getattr(eyes, f'{e}_frame')
            total = total + (push[..., None] * normal) @ frame.T @ m[..., :3].transpose(-1, -2)
        return total
