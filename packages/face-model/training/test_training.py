"""Tests of what the training rests on. They need no data: `python -m unittest` in this folder."""
from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from scipy.spatial import ConvexHull

import atlas
import encoder
import export
import facekit as fk
import fields
import gather
import light
import portraits
import restore
import topology
import train
from albedo import Colour, choose_held_out
from deformation import sign_error, times_drawn
from distance import Mesh, boundary_loops, close_by_wall, cut, fill_holes, with_wall
from eyes import LidContact, affine_fit
from fit import fit
from parts import MOUTH_PARTS, Parts
from prior import texture_prior
from samples import within
from soap import Soap
from unwrap import unwrap_batch


def brute_force_distances(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """[N, F] exact distances: to a triangle's plane where the foot lies inside, else to the nearest of its edges."""
    out = np.full((len(points), len(corners)), np.inf)
    for f, triangle in enumerate(corners):
        for p, q in zip(triangle, np.roll(triangle, -1, 0)):
            t = np.clip((points - p) @ (q - p) / ((q - p) @ (q - p)), 0, 1)
            out[:, f] = np.minimum(out[:, f], np.linalg.norm(points - p - t[:, None] * (q - p), axis=1))
        normal = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
        normal /= np.linalg.norm(normal)
        height = (points - triangle[0]) @ normal
        foot = points - height[:, None] * normal
        inside = np.all([np.cross(q - p, foot - p) @ normal >= 0 for p, q in zip(triangle, np.roll(triangle, -1, 0))], 0)
        out[inside, f] = np.minimum(out[inside, f], np.abs(height[inside]))
    return out


def sphere(count: int) -> tuple[np.ndarray, np.ndarray]:
    """A closed triangle mesh of the unit sphere, wound outward."""
    k = np.arange(count) + .5
    z, turn = 1 - 2 * k / count, math.pi * (1 + 5 ** .5) * k
    vertices = np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], 1)
    triangles = ConvexHull(vertices).simplices.astype(np.int64)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    inward = (np.cross(b - a, c - a) * a).sum(1) < 0
    triangles[inward] = triangles[inward][:, [0, 2, 1]]
    return vertices, triangles


def unpaired_edges(triangles: np.ndarray) -> int:
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).tolist()
    return len({tuple(e) for e in edges} ^ {(b, a) for a, b in edges}) + len(edges) - len({tuple(e) for e in edges})


def volume(vertices: np.ndarray, triangles: np.ndarray) -> float:
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    return (a * np.cross(b, c)).sum() / 6


class Distance(unittest.TestCase):
    def test_closest_point_equals_brute_force_on_triangle_soups(self):
        for seed in range(3):
            with self.subTest(seed=seed):
                rng = np.random.default_rng(seed)
                corners = rng.standard_normal((60, 1, 3)) + .5 * rng.standard_normal((60, 3, 3))
                mesh = Mesh(corners.reshape(-1, 3), np.arange(180).reshape(-1, 3))
                points = 1.5 * rng.standard_normal((300, 3))
                triangle, weights, distance = mesh.closest(points)
                truth = brute_force_distances(points, corners)
                np.testing.assert_allclose(distance, truth.min(1), atol=1e-9)
                foot = (corners[triangle] * weights[..., None]).sum(1)
                np.testing.assert_allclose(np.linalg.norm(points - foot, axis=1), distance, atol=1e-9)
                self.assertGreaterEqual(weights.min(), -1e-9)
                np.testing.assert_allclose(weights.sum(1), 1, atol=1e-9)

    def test_closest_point_against_a_direction_skips_what_faces_along_it(self):
        # Two squares that face each other: seen from beside the lower one, only the upper one faces against +z.
        square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
        mesh = Mesh(np.concatenate([square, square + [0, 0, 1]]), np.array([[0, 1, 2], [0, 2, 3], [4, 6, 5], [4, 7, 6]]))
        triangle, _, distance = mesh.closest(np.array([[.6, .3, .1]]), np.array([[0, 0, 1.]]))
        self.assertIn(triangle[0], (2, 3))
        self.assertAlmostEqual(distance[0], .9)

    def test_signed_distance_of_a_sphere(self):
        vertices, triangles = sphere(1500)
        points = np.random.default_rng(4).uniform(-1.6, 1.6, (2000, 3))
        truth = np.linalg.norm(points, axis=1) - 1
        distance = Mesh(vertices, triangles).signed_distance(points)
        self.assertLess(np.abs(distance - truth).max(), .006)     # the facets' sagitta
        away = np.abs(truth) > .006
        np.testing.assert_array_equal(np.sign(distance[away]), np.sign(truth[away]))

    def test_a_wall_closes_a_mesh_down_to_a_flat_floor(self):
        vertices, triangles = sphere(900)
        cut_at, floor = -.6, -1.5
        opened = triangles[vertices[triangles].mean(1)[:, 1] > cut_at]
        closed, rim = close_by_wall(opened, len(vertices))
        self.assertEqual(unpaired_edges(closed), 0)
        walled = with_wall(vertices, rim, floor)
        self.assertEqual(closed.max(), len(walled) - 1)
        np.testing.assert_array_equal(walled[len(vertices):-1, [0, 2]], vertices[rim][:, [0, 2]])
        np.testing.assert_array_equal(walled[len(vertices):, 1], floor)
        # A ball without its cap, on a cylinder as wide as the cut.
        cap = math.pi * .4 ** 2 * (3 - .4) / 3
        self.assertAlmostEqual(volume(walled, closed), 4 / 3 * math.pi - cap + math.pi * (1 - cut_at ** 2) * (cut_at - floor), delta=.12)
        # Displacements of the rim take the feet along, but not up or down.
        moved = with_wall(np.full_like(vertices, .25), rim, 0)
        np.testing.assert_array_equal(moved[len(vertices):], np.full((len(rim) + 1, 3), [.25, 0, .25]))
        with self.assertRaisesRegex(ValueError, 'should have one hole; it has 2'):
            close_by_wall(opened[vertices[opened].mean(1)[:, 1] < .6], len(vertices))

    def test_fill_holes_closes_without_new_vertices_and_over_the_least_area(self):
        vertices, triangles = sphere(600)
        middle = vertices[triangles].mean(1)
        opened = triangles[(middle[:, 2] < .8) & (middle[:, 0] < .9)]
        filled = fill_holes(vertices, opened)
        used = np.unique(opened)
        self.assertEqual(unpaired_edges(filled), 0)
        self.assertEqual(np.setdiff1d(filled, used).size, 0)
        self.assertEqual(len(filled), 2 * len(used) - 4)          # Euler: still one sphere
        # A square with a corner bent up: of both diagonals, least area takes the one that spans the fold.
        bent = np.array([[0, 0, 0], [1, 0, 0], [1, 1, .8], [0, 1, 0], [.5, .5, -1]])
        cone = np.array([[1, 0, 4], [2, 1, 4], [3, 2, 4], [0, 3, 4]])
        lid = {frozenset(t) for t in fill_holes(bent, cone)[4:].tolist()}
        self.assertEqual(lid, {frozenset((0, 1, 3)), frozenset((1, 2, 3))})


    def test_cut_follows_the_level_and_halves_close_to_the_whole(self):
        vertices, triangles = sphere(700)
        sides = {}
        for name, inside in (('upper', vertices[:, 2] + .2), ('lower', .3 - vertices[:, 2])):
            kept, pairs, share = cut(triangles, inside, len(vertices))
            every = np.concatenate([vertices, (vertices[pairs] * share[..., None]).sum(1)])
            self.assertEqual(len(boundary_loops(kept)), 1)
            level = -.2 if name == 'upper' else .3
            np.testing.assert_allclose(every[len(vertices):, 2], level, atol=1e-9)
            filled = fill_holes(every, kept)
            self.assertEqual(unpaired_edges(filled), 0)
            sides[name] = volume(every, filled)
        cap = lambda h: math.pi * h * h * (3 - h) / 3             # of the unit ball, h high
        self.assertAlmostEqual(sides['upper'], cap(1.2), delta=.03)
        self.assertAlmostEqual(sides['lower'], cap(1.3), delta=.03)

    def test_a_part_of_a_solid_is_nowhere_deeper_than_the_whole(self):
        whole, part = np.array([.010, -.002, -.010, -.020]), np.array([-.010, -.050, -.0101, .003])
        np.testing.assert_allclose(within(part, whole), [.010, .050, -.0101, .003])


class Topology(unittest.TestCase):
    def test_slivers_give_their_longest_edge_to_their_neighbour(self):
        # A corner of a square pushed nearly onto its diagonal: the flip makes two good triangles of the sliver and its neighbour.
        uv = np.array([[0, 0], [1, 0], [1, 1], [.48, .52]])
        places = np.c_[uv, [0, 0, 0, .05]]
        flipped = topology.flip_slivers(np.array([[0, 1, 2], [0, 2, 3]]), places, uv)
        self.assertEqual({frozenset(t) for t in flipped.tolist()}, {frozenset((3, 0, 1)), frozenset((1, 2, 3))})
        turn = lambda t: np.linalg.det(uv[t[1:]] - uv[t[0]])
        self.assertTrue(all(turn(t) > 0 for t in flipped))
        # Where a triangle would turn over in the chart, and at the rim, everything stays.
        folded = uv.copy()
        folded[1] = .5, .9
        for triangles, chart in ((np.array([[0, 2, 1], [0, 3, 2]]), folded), (np.array([[0, 2, 3]]), uv)):
            np.testing.assert_array_equal(topology.flip_slivers(triangles, places, chart), triangles)


class Atlas(unittest.TestCase):
    def test_embed_maps_a_dome_one_to_one_and_mirror_symmetric(self):
        rings, sectors = 7, 24
        turn = 2 * math.pi * np.arange(sectors) / sectors
        tilt = np.linspace(0, 1.9, rings + 1)[1:, None]           # past the equator, as a head is wider than its neck
        dome = np.stack([np.sin(tilt) * np.cos(turn), np.cos(tilt) + 0 * turn, np.sin(tilt) * np.sin(turn)], -1).reshape(-1, 3)
        vertices = .1 * np.concatenate([[[0, 1, 0]], dome])
        at = lambda ring, sector: 1 + ring * sectors + sector % sectors
        triangles = [(0, at(0, k + 1), at(0, k)) for k in range(sectors)]
        for ring in range(rings - 1):
            for k in range(sectors):
                a, b, c, d = at(ring, k), at(ring, k + 1), at(ring + 1, k + 1), at(ring + 1, k)
                triangles += [(a, b, c), (a, c, d)]
        triangles = np.array(triangles)
        with mock.patch.object(fk, 'SKIN', len(vertices)), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            uv = atlas.embed(vertices, triangles, steps=6).astype(float)
        e1, e2 = uv[triangles[:, 1]] - uv[triangles[:, 0]], uv[triangles[:, 2]] - uv[triangles[:, 0]]
        area = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]
        self.assertLess(area.max(), 0)                            # v runs down, so outward triangles are clockwise in (u, v)
        self.assertGreater(uv.min(), 0)
        self.assertLess(uv.max(), 1)
        np.testing.assert_allclose(uv[atlas.mirror_of(vertices)], uv * [-1, 1] + [1, 0], atol=1e-6)
        front = np.argmax(vertices[:, 2] - vertices[:, 1])        # the front of the rim is at the bottom of the chart
        self.assertGreater(uv[front, 1], .9)


class Fit(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        torch.manual_seed(0)
        # The clock advances by the steps alone, so that nothing depends on how busy the machine is.
        self.now = 1000.
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        stack.enter_context(mock.patch('fit.time.time', lambda: self.now))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))

    def run_fit(self, minutes: float, wrong_from: float = math.inf) -> tuple[torch.nn.Module, list[int]]:
        """Fits y = x . (1, 2, 3); the loss is NaN from a step on if asked. -> the averaged module, the steps that ran."""
        module, target, steps = torch.nn.Linear(3, 1), torch.tensor([[1.], [2.], [3.]]), []

        def loss(step):
            steps.append(step)
            self.now += .005
            x = torch.randn(32, 3)
            return (module(x) - x @ target).square().mean() * (math.nan if step >= wrong_from else 1)
        return fit('line', module, loss, self.folder, minutes, .05, lambda m: {'weight': m.weight[0, 2].item()}, every=.4), steps

    def test_resumes_where_it_stopped(self):
        self.run_fit(.02)
        before = torch.load(self.folder / 'line.pt', weights_only=True)
        fitted, steps = self.run_fit(.05)
        after = torch.load(self.folder / 'line.pt', weights_only=True)
        self.assertEqual(steps[0], before['step'])
        self.assertEqual(after['step'], steps[-1] + 1)
        self.assertGreater(after['spent'], before['spent'])
        np.testing.assert_allclose(fitted.weight.numpy(), [[1, 2, 3]], atol=.05)
        with open(self.folder / 'line.csv') as file:
            curve = [int(row['step']) for row in csv.DictReader(file)]
        self.assertEqual(curve, sorted(set(curve)))
        again, none = self.run_fit(.05)
        self.assertEqual(none, [])                                # its time is used up: the result comes from the checkpoint
        torch.testing.assert_close(again.weight, fitted.weight)

    def test_stops_on_nan_and_keeps_the_last_checkpoint(self):
        self.run_fit(.02)
        before = (self.folder / 'line.pt').read_bytes()
        step = torch.load(self.folder / 'line.pt', weights_only=True)['step']
        with self.assertRaisesRegex(SystemExit, f'line: the loss became nan at step {step}'):
            self.run_fit(.05, wrong_from=step)
        self.assertEqual((self.folder / 'line.pt').read_bytes(), before)


class Experiments(unittest.TestCase):
    def test_every_file_names_a_step_and_knows_its_options(self):
        for path in train.EXPERIMENTS.glob('*.toml'):
            with self.subTest(path.stem):
                run = train.Experiment.load(path.stem, data='somewhere', minutes=None)
                self.assertIn(run.step, train.STEPS)
                self.assertEqual(run.sheet != '', run.step in ('template', 'forward'))
                self.assertGreater(run.minutes, 0)
                self.assertEqual(train.Experiment.load(path.stem, minutes=.5).minutes, .5)

    def test_what_has_a_base_says_only_what_it_changes(self):
        base, changed = train.Experiment.load('ablation-full'), train.Experiment.load('ablation-no-correspondence')
        self.assertEqual((changed.minutes, changed.corrected, base.corrected), (base.minutes, False, True))
        self.assertEqual(base.loss, {k: v for k, v in train.Experiment.load('deformation').loss.items() if k != 'normal'})
        self.assertEqual(changed.loss, {k: v for k, v in base.loss.items() if k not in ('place', 'predicted', 'motion')})

    def test_an_unknown_one_says_what_there_is(self):
        with self.assertRaisesRegex(SystemExit, 'no experiment nothing.*deformation'):
            train.Experiment.load('nothing')


class DeformationLosses(unittest.TestCase):
    def test_the_neck_is_drawn_several_times(self):
        times = times_drawn(torch.tensor([0., -.1, .2]), 4)
        self.assertEqual(torch.arange(3).repeat_interleave(times).tolist(), [0, 1, 1, 1, 1, 2])

    def test_sign_counts_just_inside_thin_parts_alone(self):
        ear, face, neck = [.08, 0, 0], [0, 0, 0], [0, -.1, 0]
        x = torch.tensor([ear, neck, ear, ear, ear, face])
        true = torch.tensor([-.0005, -.001, -.001, -.02, .001, -.0005])
        distance = torch.tensor([.001, .0005, -.001, .001, .002, .001])      # wrong by a millimetre, by half, not; too deep to be thin, outside, on the face
        self.assertAlmostEqual(sign_error(x, distance, true).item(), (1 + .5 + 0) / 3, places=5)


class SoapSteps(unittest.TestCase):
    def test_without_a_basis_it_is_adam(self):
        torch.manual_seed(3)
        one, two = (torch.nn.Parameter(torch.ones(700, 500)) for _ in range(2))        # too large to be preconditioned
        ours, reference = Soap([one], lr=.01), torch.optim.Adam([two], lr=.01, betas=(.9, .99))
        for _ in range(5):
            one.grad = torch.randn(700, 500)
            two.grad = one.grad.clone()
            ours.step()
            reference.step()
        torch.testing.assert_close(one, two)

    def test_a_turned_problem_is_as_easy_as_a_straight_one(self):
        """Rows and columns of very different curvature, mixed by rotations: the basis finds the axes, Adam cannot."""
        torch.manual_seed(4)
        left, right = (torch.linalg.qr(torch.randn(n, n))[0] for n in (12, 9))
        curvature = torch.logspace(0, -2, 12)[:, None] * torch.logspace(0, -2, 9)
        target = torch.randn(12, 9)

        def error(make) -> float:
            w = torch.nn.Parameter(torch.zeros(12, 9))
            optimiser = make([w])
            for step in range(400):
                optimiser.param_groups[0]['lr'] = .05 * (1 - step / 400)
                optimiser.zero_grad()
                (curvature * (left.T @ (w - target) @ right) ** 2).sum().backward()
                optimiser.step()
            return (w - target).abs().mean().item()
        ours, adam = error(lambda p: Soap(p, .05)), error(lambda p: torch.optim.Adam(p, .05, betas=(.9, .99)))
        self.assertLess(ours, .5 * adam)

    def test_goes_on_from_its_state(self):
        torch.manual_seed(5)
        gradients = torch.randn(30, 6, 4)
        whole, halves = torch.nn.Parameter(torch.zeros(6, 4)), torch.nn.Parameter(torch.zeros(6, 4))
        straight, first = Soap([whole], .01), Soap([halves], .01)
        for k, g in enumerate(gradients):
            if k == 15:
                state = first.state_dict()
                first = Soap([halves], .01)
                first.load_state_dict(state)
            whole.grad, halves.grad = g.clone(), g.clone()
            straight.step()
            first.step()
        torch.testing.assert_close(whole, halves, atol=0, rtol=0)


class Processes(unittest.TestCase):
    SCRIPT = """
import pathlib, torch
from fit import RANK, fit
torch.manual_seed(RANK)
module, folder = torch.nn.Linear(3, 1), pathlib.Path(%r)
seen = []
def loss(step):
    x = torch.randn(32, 3)
    seen.append(x[0, 0].item())
    return (module(x) - x.sum(1, keepdim=True)).square().mean()
fit('line', module, loss, folder, .04, .05)
torch.save({'module': module.state_dict(), 'steps': len(seen), 'first': seen[0]}, folder / f'rank-{RANK}.pt')
"""

    def test_two_processes_draw_apart_and_stay_one(self):
        with tempfile.TemporaryDirectory() as name:
            script = Path(name) / 'run.py'
            script.write_text(self.SCRIPT % name)
            environment = os.environ | {'PYTHONPATH': str(Path(__file__).parent), 'OMP_NUM_THREADS': '1'}
            subprocess.run([sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2', str(script)], check=True, env=environment, capture_output=True, timeout=120)
            one, two = (torch.load(Path(name) / f'rank-{k}.pt', weights_only=True) for k in range(2))
            self.assertEqual(one['steps'], two['steps'])
            self.assertNotEqual(one['first'], two['first'])
            for key in one['module']:
                torch.testing.assert_close(one['module'][key], two['module'][key], atol=0, rtol=0)
            kept = torch.load(Path(name) / 'line.pt', weights_only=True)
            torch.testing.assert_close(kept['module']['weight'], one['module']['weight'])
            self.assertLess(abs(kept['module']['weight'] - 1).max().item(), .5)


class Motion(unittest.TestCase):
    """Parts and fields with made-up numbers."""

    @staticmethod
    def parts(rng: np.random.Generator) -> Parts:
        names = [f'eyeLook{way}_{side}' for way in ('Up', 'Down', 'In', 'Out') for side in 'LR']
        names += [f'shape{k}' for k in range(fields.DE - len(names))]
        store = {}
        for eye, x in (('eyeLeft', .03), ('eyeRight', -.03)):
            store |= {f'{eye}.centre': np.array([x, .03, .08]), f'{eye}.radius': .0155, f'{eye}.bulge': .0174, f'{eye}.frame': np.eye(3),
                      f'{eye}.affine': .01 * rng.standard_normal((fields.DG, 3, 4))}
        for name in MOUTH_PARTS:
            store |= {f'{name}.affine': .01 * rng.standard_normal((fields.DG + fields.DE, 3, 4)), f'{name}.box': np.array([[-.03, -.05, .04], [.03, -.01, .1]])}
        return Parts(store, names).requires_grad_(False)

    def test_affine_fit_recovers_a_known_map(self):
        rng = np.random.default_rng(0)
        points, known = rng.standard_normal((50, 3)), rng.standard_normal((4, 3, 4))
        offsets = np.einsum('kij,vj->kvi', known, np.c_[points, np.ones(50)])
        found, rest = affine_fit(points, offsets)
        np.testing.assert_allclose(found, known, atol=1e-5)
        np.testing.assert_allclose(rest, 0, atol=1e-9)
        _, rest = affine_fit(points, offsets + .1 * rng.standard_normal(offsets.shape))
        np.testing.assert_allclose(rest, .1 * 3 ** .5, rtol=.25)

    def test_to_template_undoes_transforms(self):
        rng = np.random.default_rng(1)
        parts = self.parts(rng)
        geometry, expression = (torch.from_numpy(rng.standard_normal(n).astype(np.float32)) for n in (fields.DG, fields.DE))
        matrices = parts.transforms(geometry, expression)
        template = torch.from_numpy(.1 * rng.standard_normal((40, 3)).astype(np.float32))
        for k, matrix in enumerate(matrices):
            posed = template @ matrix[:, :3].T + matrix[:, 3]
            back, scale = parts.to_template(posed, geometry, expression)
            torch.testing.assert_close(back[k], template, atol=1e-5, rtol=0)
            self.assertAlmostEqual(scale[k].item(), torch.linalg.det(matrix[:, :3]).item() ** (1 / 3), places=4)

    def test_eyes_turn_with_the_look_shapes(self):
        parts = self.parts(np.random.default_rng(2))
        look = lambda shape: parts.transforms(torch.zeros(fields.DG), torch.eye(fields.DE)[shape])[:2, :, :3] @ torch.tensor([0, 0, 1.])
        up_left, down_left, in_left, out_left = (look(k)[0] for k in (0, 2, 4, 6))
        self.assertGreater(up_left[1].item(), .3)
        self.assertLess(down_left[1].item(), -.3)
        self.assertLess(in_left[0].item(), -.3)                   # the subject's left is +x: inward is toward -x
        self.assertGreater(out_left[0].item(), .3)
        self.assertLess(look(7)[1][0].item(), -.3)                # and the right eye's outward too

    def test_linear_field_is_its_jacobian_times_the_codes(self):
        torch.manual_seed(5)
        field = fields.make_forward('head').requires_grad_(False)
        points, codes = .1 * torch.randn(20, 3), torch.randn(fields.DG + fields.DE)
        torch.testing.assert_close(field(points, codes), field.jacobian(points) @ codes, atol=1e-5, rtol=1e-4)

    def test_deformation_without_gates_is_its_prediction_and_sheets_are_independent(self):
        torch.manual_seed(6)
        model = fields.make_deformation({s: fields.make_forward(s) for s in fields.SHEETS}, torch.zeros(fields.DG + fields.DE)).requires_grad_(False)
        points, codes = .1 * torch.randn(2, 20, 3), torch.randn(2, fields.DG + fields.DE)
        before = model(points, codes)
        for sheet, values in model(points[1], codes[1]).items():      # one code alone goes through folded layers
            for one, of_two in zip(values, before[sheet]):
                torch.testing.assert_close(one, of_two[1], atol=1e-6, rtol=1e-4)
        for sheet, (x0, x1, delta) in before.items():
            self.assertEqual([tuple(t.shape) for t in (x0, x1, delta)], [(2, 20, 3), (2, 20, 3), (2, 20)], sheet)
        model.head_bias[fields.Deformation.PER_SHEET:] = torch.tensor([0, 0, 0, -40., -40, -40, 0])      # the jaw's gates shut
        after = model(points, codes)
        torch.testing.assert_close(after['jaw'][1], after['jaw'][0])
        torch.testing.assert_close(after['head'], before['head'])

    def test_parts_beyond_their_boxes_are_as_far_as_the_wall(self):
        parts = self.parts(np.random.default_rng(3))
        codes = torch.zeros(fields.DG), torch.zeros(fields.DE)
        distances = parts(torch.tensor([[0., -.03, .2], [0., .05, .07], [0., -.03, .07]]), *codes)
        torch.testing.assert_close(distances[:2, 2:], torch.tensor([[.1] * 3, [.06] * 3]), atol=1e-5, rtol=0)
        inside = parts.fields['tongue'](torch.tensor([[0., -.03, .07]]))[0, 0]
        self.assertAlmostEqual(distances[2, 4].item(), max(inside.item(), -.02), places=5)
        self.assertEqual(parts(torch.full((3, 3), .2), *codes).shape, (3, 5))      # no point near any part


class Contact(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(4)
        self.eyes = Motion.parts(rng)
        self.codes = [torch.from_numpy(.3 * rng.standard_normal((5, n)).astype(np.float32)) for n in (fields.DG, fields.DE)]
        around = torch.from_numpy(rng.standard_normal((40, 3)).astype(np.float32))
        self.directions = torch.nn.functional.normalize(around * torch.tensor([1, 1, .3]) + torch.tensor([0, 0, 1.]), dim=-1)

    def distances(self, points, k):
        """To the left eyeball under the k-th codes, metres."""
        local, scale = self.eyes.to_template(points, *(c[k] for c in self.codes))
        return self.eyes.eye_distance('eyeLeft', local[0]) * scale[0]

    def at_depth(self, distance, k):
        """Points in front of the left eye under the k-th codes, about so far from its surface."""
        m = self.eyes.eye_transform('eyeLeft', 0, *(c[k] for c in self.codes))
        start = self.eyes.eyeLeft_centre + self.directions * .0165 @ self.eyes.eyeLeft_frame.T
        reach = .0165 - self.eyes.eye_distance('eyeLeft', start) + distance
        return (self.eyes.eyeLeft_centre + self.directions * reach[:, None]) @ m[:, :3].T + m[:, 3]

    def test_the_normal_is_the_gradient_of_the_distance(self):
        for distance in (-.002, .0005):
            local = self.eyes.eye_local('eyeLeft', self.eyes.eyeLeft_centre + self.directions * (.0165 + distance)).double().requires_grad_(True)
            eyes = self.eyes.double()
            value, normal = eyes.eye_distance_and_normal('eyeLeft', local)
            gradient = torch.autograd.grad(value.sum(), local)[0]
            self.assertGreater(torch.nn.functional.cosine_similarity(gradient, normal.detach()).min().item(), .9999)
            self.eyes.float()

    def test_no_lid_stays_inside_and_none_that_is_clear_moves(self):
        for k in range(5):
            code = [c[k] for c in self.codes]
            order = []
            for depth in (-.003, -.001, 0., .0005, .002, .006):
                points = self.at_depth(depth, k)
                moved = points + LidContact.offsets(self.eyes, points, *code)
                self.assertGreater(self.distances(moved, k).min().item(), -.0001)
                order.append(self.distances(moved, k))
            self.assertTrue(all((b > a - 2e-5).all() for a, b in zip(order, order[1:])))
            self.assertLess((moved - points).abs().max().item(), 1e-6)

    def test_many_codes_at_once_are_each_alone(self):
        points = torch.stack([self.at_depth(-.001, k) for k in range(5)])
        together = LidContact.offsets(self.eyes, points, *self.codes)
        for k in range(5):
            torch.testing.assert_close(together[k], LidContact.offsets(self.eyes, points[k], *(c[k] for c in self.codes)), atol=1e-7, rtol=1e-4)


class Grids(unittest.TestCase):
    LEVELS = ((.4, 3), (.07, 5))

    def slow(self, grids: fields.WrappedGrids, point: np.ndarray) -> np.ndarray:
        """One point, corner by corner."""
        out, first = list(point), 0
        table = grids.table.detach().numpy()
        for cell, side in self.LEVELS:
            p = point / cell + .5 * cell
            low = np.floor(p).astype(int)
            value = 0.
            for corner in np.ndindex(2, 2, 2):
                i, j, k = low + corner
                weight = np.prod(np.where(np.array(corner) == 1, p - low, 1 - (p - low)))
                value = value + weight * table[first + (i + side * j + side * side * k) % side ** 3]
            out += list(value * grids.GAIN)
            first += side ** 3
        return np.array(out)

    def test_both_ways_of_reading_are_the_slow_one(self):
        grids = fields.WrappedGrids(self.LEVELS, 2, 4)
        points = np.random.default_rng(5).uniform(-2, 2, (50, 3)).astype(np.float32)
        expected = torch.from_numpy(np.stack([self.slow(grids, p.astype(np.float64)) for p in points]).astype(np.float32))
        x = torch.from_numpy(points).requires_grad_(True)
        torch.testing.assert_close(grids(x), expected, atol=1e-5, rtol=1e-4)
        slope, = torch.autograd.grad(grids(x).square().sum(), x)
        grids.requires_grad_(False)
        torch.testing.assert_close(grids(x), expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(torch.autograd.grad(grids(x).square().sum(), x)[0], slope)
        packed, grids.packed = grids(x), grids.pack()
        torch.testing.assert_close(grids(x), packed, atol=0, rtol=0)

    def test_nodes_that_are_one_lie_a_side_apart(self):
        grids = fields.WrappedGrids(((.1, 7),), 1, 0).requires_grad_(False)
        torch.testing.assert_close(grids(torch.tensor([[.7, 0, 0]]))[:, 3:], grids(torch.tensor([[0., .1, 0]]))[:, 3:], atol=1e-5, rtol=0)


class Stored(unittest.TestCase):
    def test_bytes_are_off_by_half_a_step_at_most(self):
        array = np.random.default_rng(6).standard_normal((300, 8)).astype(np.float32)
        for axis in (0, 1):
            whole, scale = export.to_bytes(array, axis)
            self.assertEqual((whole.dtype, scale.shape), (np.int8, tuple(1 if k == axis else n for k, n in enumerate(array.shape))))
            self.assertLessEqual(np.max(np.abs(whole * scale - array) / scale), .5001)
        np.testing.assert_array_equal(export.to_bytes(np.zeros((4, 4), np.float32), 0)[0], 0)

    def test_a_pool_keeps_equal_weights_once(self):
        weights = np.random.default_rng(7).standard_normal((32, 32)).astype(np.float32)
        model = lambda *arrays: helper.make_model(helper.make_graph([], 'g', [], [], [numpy_helper.from_array(a, f'w{k}') for k, a in enumerate(arrays)]))
        with tempfile.TemporaryDirectory() as folder:
            pool = export.Pool(Path(folder) / 'pool.bin')
            for k, m in enumerate([model(weights, weights[:2]), model(weights + 1, weights)]):
                pool.take(m)
                onnx.save(m, str(Path(folder) / f'{k}.onnx'))
            self.assertEqual((Path(folder) / 'pool.bin').stat().st_size, 2 * weights.nbytes)      # the small one stays where it is
            found = [[numpy_helper.to_array(t) for t in onnx.load(str(Path(folder) / f'{k}.onnx')).graph.initializer] for k in range(2)]
        for got, wanted in zip(found[0] + found[1], [weights, weights[:2], weights + 1, weights]):
            np.testing.assert_array_equal(got, wanted)


class Restore(unittest.TestCase):
    def test_named_weights_come_back_in_single_precision(self):
        make = lambda: torch.nn.Sequential(fields.WrappedGrids(((.4, 12),), 2, 1), torch.nn.Linear(5, 512), torch.nn.Linear(512, 1))      # bytes, half and single precision
        module = make().requires_grad_(False)
        for name, p in module.named_parameters():
            p.copy_(torch.from_numpy(export.as_stored(name, p.numpy())))
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(restore, 'WEIGHTS', Path(folder)), mock.patch.object(restore, 'FOLDER', Path(folder)):
            with contextlib.redirect_stdout(io.StringIO()):
                pool = export.Pool(Path(folder) / 'net.packed')
                export.export(Path(folder) / 'net.onnx', pool, torch.nn.ModuleDict({'net': module}), module.forward, {'points': torch.randn(8, 3)}, ['points'], ['value'])
                pool.pack()
                restore.restore('net', make(), restore.weights_of('net.onnx', 'net.'))
            stored = torch.load(Path(folder) / 'net-init.pt', weights_only=True)['slow']
            for name, value in module.state_dict().items():
                torch.testing.assert_close(stored[name], value, rtol=0, atol=0)
            with self.assertRaisesRegex(SystemExit, 'is not the network that fields.py makes'):
                restore.restore('net', torch.nn.Sequential(torch.nn.Linear(64, 64)), restore.weights_of('net.onnx', 'net.'))


class Encoders(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(5)

    def small_kit(self, count=60):
        basis = .002 * self.rng.standard_normal((158, count, 3)).astype(np.float32)
        neutral = self.rng.uniform(-.1, .1, (count, 3)).astype(np.float32)
        return fk.FaceKit(neutral, basis[:100], basis[100:], [f'shape{k}' for k in range(58)], np.zeros((0, 4), int), {})

    def turn(self):
        q, _ = np.linalg.qr(self.rng.standard_normal((3, 3)))
        return q * np.sign(np.linalg.det(q))

    def test_what_a_similarity_explains_is_no_error(self):
        vertices = self.rng.uniform(-1, 1, (50, 3))
        small = 1e-3 * self.rng.standard_normal((3, 3))
        moved = vertices @ (small - small.T) + .01 * vertices + [.1, .2, .3]
        rest = encoder.without_similarities(moved.reshape(1, -1), vertices)
        self.assertLess(np.abs(rest).max(), 1e-9)
        stretched = vertices * [.01, 0, 0]
        self.assertGreater(np.abs(encoder.without_similarities(stretched.reshape(1, -1), vertices)).max(), 1e-3)

    def test_the_metric_is_the_distance_of_vertices_after_the_best_similarity(self):
        kit = self.small_kit()
        truth = self.rng.standard_normal((8, 158)).astype(np.float32)
        near = truth + .03 * self.rng.standard_normal((8, 158)).astype(np.float32)
        found = encoder.Metric(kit, 60)(torch.from_numpy(near - truth)).numpy()
        # The metric is of first order and about the mean face.
        exact = np.sqrt((encoder.vertex_errors(kit, near, truth, 60) ** 2).mean(1))
        np.testing.assert_allclose(found, exact, rtol=.1)

    def test_landmarks_turn_upright_and_are_placed_where_they_were(self):
        mean = self.rng.uniform(-.08, .08, (468, 3))
        rotation = self.turn()
        seen = (4 * mean @ rotation.T + [.03, -.02, .1]) * encoder.AXES
        shape, placement = encoder.upright(seen, mean)
        np.testing.assert_allclose(shape, mean, atol=1e-12)
        np.testing.assert_allclose(placement[:, :3], 4 * rotation, atol=1e-10)
        np.testing.assert_allclose((mean @ placement[:, :3].T + placement[:, 3]) * encoder.AXES, seen, atol=1e-10)

    def test_unwrapping_finds_the_place_in_the_picture(self):
        unwrap = encoder.Unwrap()
        x, y = np.meshgrid(np.linspace(-.08, .08, encoder.SIDE), np.linspace(.08, -.08, encoder.SIDE))
        unwrap.places.copy_(torch.from_numpy(np.stack([x, y, .1 - 2 * x * x], 2)))
        size = 50
        middle = (torch.arange(size) + .5) / size - .5
        picture = torch.stack([middle.expand(size, size), -middle[:, None].expand(size, size), torch.zeros(size, size)], 2)     # red: x, green: y upward
        placement = torch.from_numpy(np.c_[3 * self.turn(), [.02, .05, 0]].astype(np.float32))
        image = unwrap(picture[None], placement[None])[0]
        placed = unwrap.places @ placement[:, :3].T + placement[:, 3]
        inside = placed[..., :2].abs().amax(2) < .48
        self.assertGreater(inside.sum(), 1000)
        torch.testing.assert_close(image[..., :2][inside], placed[..., :2][inside], atol=1e-5, rtol=0)
        # A sheet that faces the viewer is seen, from behind it is not; z of the normal of (x, y, -2 x^2) is 1 / sqrt(1 + 16 x^2).
        ahead = torch.cat([3 * torch.eye(3), torch.zeros(3, 1)], 1)
        self.assertTrue((unwrap(picture[None], ahead[None])[0, ..., 3] == 1).all())
        behind = ahead * torch.tensor([-1., 1, -1, 1])
        self.assertTrue((unwrap(picture[None], behind[None])[0, ..., 3] == 0).all())

    def test_a_batch_is_unwrapped_at_once_as_the_encoder_would(self):
        unwrap = encoder.Unwrap()
        x, y = np.meshgrid(np.linspace(-.08, .08, encoder.SIDE), np.linspace(.08, -.08, encoder.SIDE))
        unwrap.places.copy_(torch.from_numpy(np.stack([x, y, .1 - 9 * x * x], 2)))
        rng, count, side = self.rng, 4, encoder.SIDE
        pictures = rng.integers(0, 256, (count, 40, 40, 3), dtype=np.uint8)
        placements = np.stack([np.c_[6 * (np.eye(3) + .3 * rng.standard_normal((3, 3))), [.02, .05, 0]] for _ in range(count)]).astype(np.float32)
        down, across = (rng.uniform(.5, 1.5, (count, side)).astype(np.float32) for _ in range(2))
        tints = rng.uniform(.5, 1.5, (count, 3)).astype(np.float32)
        hidden = np.array([[10, 40, 20.5, 90], [0, 0, 5, 100], [-1, side, -1, 12], [3, 9, 150, 400]], np.float32)
        flipped, grey = np.array([False, True, True, False]), np.array([False, False, True, True])
        found = np.empty((count, 4, side, side), np.float32)
        unwrap_batch(pictures, flipped, placements, unwrap.places[None].numpy(), down, across, tints, hidden, grey, encoder.FACING, found)
        picture = torch.from_numpy(pictures).float() / 255
        picture[flipped] = picture[flipped].flip(2)
        image = unwrap(picture, torch.from_numpy(placements))
        image[..., :3] *= torch.from_numpy((down[:, :, None] * across[:, None, :])[..., None] * tints[:, None, None])
        image[grey, :, :, :3] = image[grey, :, :, :3].mean(3, keepdim=True)
        texel = np.arange(side)
        rows, columns = ((texel > hidden[:, k:k + 1]) & (texel < hidden[:, k + 1:k + 2]) for k in (0, 2))
        image[..., 3] *= torch.from_numpy(~(rows[:, :, None] & columns[:, None, :]))
        self.assertGreater(image[..., 3].mean(), .1)
        torch.testing.assert_close(torch.from_numpy(found), encoder.levelled(image), atol=2e-3, rtol=1e-3)

    def test_a_refinement_unwraps_the_picture_where_the_answered_face_has_it(self):
        model = encoder.Refinement().requires_grad_(False)
        places = model.unwrap.places
        x, y = np.meshgrid(np.linspace(-.08, .08, encoder.SIDE), np.linspace(.08, -.08, encoder.SIDE))
        places.copy_(torch.from_numpy(np.stack([x, y, .1 - 9 * x * x], 2)))
        # Offsets that are linear in the texel are interpolated exactly, but for the rim.
        middle = (torch.arange(encoder.GRID) + .5) / encoder.GRID - .5
        offsets = torch.stack([.02 * middle.expand(encoder.GRID, -1), .01 * middle[:, None].expand(-1, encoder.GRID), torch.zeros(encoder.GRID, encoder.GRID)], 2)[None]
        fine = model.fine(offsets)
        texel = (torch.arange(encoder.SIDE) + .5) / encoder.SIDE - .5
        torch.testing.assert_close(fine[0, 2:-2, 2:-2, 0], (.02 * texel[2:-2]).expand(encoder.SIDE - 4, -1), atol=1e-7, rtol=0)
        torch.testing.assert_close(fine[0, 2:-2, 2:-2, 1], (.01 * texel[2:-2, None]).expand(-1, encoder.SIDE - 4), atol=1e-7, rtol=0)
        picture, placement = torch.rand(1, 50, 50, 3), torch.from_numpy(np.c_[3 * self.turn(), [.02, .05, 0]].astype(np.float32))[None]
        moved = encoder.Unwrap()
        moved.places.copy_(places + fine[0])
        torch.testing.assert_close(model.unwrap(picture, placement, fine), moved(picture, placement))
        # What ships and what trains are the same.
        found, ones = np.empty((1, 4, encoder.SIDE, encoder.SIDE), np.float32), np.ones((1, encoder.SIDE), np.float32)
        pictures = (picture * 255).round().to(torch.uint8)
        unwrap_batch(pictures.numpy(), np.array([False]), placement.numpy(), (places + fine).numpy(), ones, ones, np.ones((1, 3), np.float32), np.zeros((1, 4), np.float32), np.array([False]), encoder.FACING, found)
        torch.testing.assert_close(torch.from_numpy(found), encoder.levelled(moved(pictures.float() / 255, placement)), atol=2e-3, rtol=1e-3)

    def test_a_mirrored_refinement_is_the_refinement_of_the_mirrored_face(self):
        model = self.symmetric(encoder.Refinement())
        model.encoder.unwrap.places.uniform_(-.1, .1)
        inputs = torch.rand(2, encoder.CROP, encoder.CROP, 3), torch.randn(2, encoder.POINTS, 3) * .1, torch.randn(2, 3, 4)
        answer = torch.randn(2, encoder.GRID, encoder.GRID, 3) * .01, torch.randn(2, fields.DG), torch.rand(2, fields.DE)
        g, e, doubt = model(*inputs, *answer)
        other = model(*encoder.mirror_image(*inputs, model.twin), *encoder.mirror_answer(*answer, model.codes))
        torch.testing.assert_close(torch.cat(other[:2], 1) @ model.codes, torch.cat([g, e], 1), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(other[2], doubt)

    def test_a_new_residual_block_changes_nothing(self):
        torch.manual_seed(2)
        x = torch.rand(2, 8, 5, 5)
        block = encoder.Residual(8)
        torch.testing.assert_close(block(x), x, atol=0, rtol=0)

    def test_ridge_without_penalty_is_least_squares(self):
        x = self.rng.standard_normal((200, 12)) + 3
        y = x @ self.rng.standard_normal((12, 4)) + .1 * self.rng.standard_normal((200, 4)) + 1
        w, b = encoder.ridge(x, y, 0)
        expected = np.linalg.lstsq(np.c_[x, np.ones(200)], y, rcond=None)[0]
        np.testing.assert_allclose(np.r_[w, b[None]], expected, atol=1e-8)
        self.assertLess(np.abs(encoder.ridge(x, y, 10)[0]).sum(), np.abs(w).sum())

    def test_the_encoder_starts_as_the_regression(self):
        torch.manual_seed(0)
        model = encoder.Encoder()
        model.shape_mean.normal_(0, .05)
        weights = np.linalg.qr(self.rng.standard_normal((3 * encoder.POINTS, 40)))[0] @ self.rng.standard_normal((40, 158))      # of a rank that the bottleneck keeps
        bias = self.rng.standard_normal(158)
        encoder.start_from(model, weights, bias, encoder.Metric(self.small_kit(), 60))
        shape = model.shape_mean + .01 * torch.randn(5, 3 * encoder.POINTS)
        expected = ((shape - model.shape_mean) * model.scale).double().numpy() @ weights + bias
        np.testing.assert_allclose(model.linear(model.squeeze((shape - model.shape_mean) * model.scale)).detach().numpy(), expected, atol=2e-4)

    def test_codes_do_not_depend_on_exposure_and_tint(self):
        torch.manual_seed(1)
        model = encoder.Encoder()
        image = torch.rand(2, encoder.SIDE, encoder.SIDE, 4)
        shape, placement = torch.randn(2, encoder.POINTS, 3) * .05, torch.randn(2, 3, 4)
        other = image * torch.tensor([.8, .8, .8, 1]) + torch.tensor([.05, .1, .02, 0])
        for a, b in zip(model.codes(image, shape, placement), model.codes(other, shape, placement)):
            torch.testing.assert_close(a, b, atol=2e-2, rtol=0)

    def symmetric(self, network=None):
        """A random encoder, or the network given, of a random symmetric generator."""
        half = self.rng.uniform(.01, .1, (234, 3))
        landmarks = np.concatenate([half, half * [-1, 1, 1]])
        kit = self.small_kit(200)
        kit.neutral[100:] = kit.neutral[:100] * [-1, 1, 1]
        kit.identity[:, 100:] = kit.identity[:, :100] * [-1, 1, 1]
        with mock.patch.object(fk, 'SKIN', 200):
            return encoder.Symmetric(network or encoder.Encoder(), kit, landmarks).requires_grad_(False)

    def test_a_mirrored_picture_gives_the_mirrored_codes(self):
        torch.manual_seed(3)
        model = self.symmetric()
        model.encoder.unwrap.places.uniform_(-.1, .1)
        inputs = torch.rand(2, encoder.CROP, encoder.CROP, 3), torch.randn(2, encoder.POINTS, 3) * .1, torch.randn(2, 3, 4)
        g, e, doubt = model(*inputs)
        other = model(*encoder.mirror_image(*inputs, model.twin))
        torch.testing.assert_close(torch.cat(other[:2], 1) @ model.codes, torch.cat([g, e], 1), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(other[2], doubt, atol=1e-5, rtol=1e-5)

    def test_graph_and_restored_network_are_the_trained_one(self):
        torch.manual_seed(2)
        model = self.symmetric()
        model.encoder.unwrap.places.uniform_(-.1, .1)
        for name, p in model.state_dict().items():
            p.copy_(torch.from_numpy(export.as_stored(name, p.numpy())))
        inputs = {'picture': torch.rand(3, encoder.CROP, encoder.CROP, 3), 'shape': torch.randn(3, encoder.POINTS, 3) * .1, 'placement': torch.randn(3, 3, 4)}
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(restore, 'WEIGHTS', Path(folder)), mock.patch.object(restore, 'FOLDER', Path(folder)):
            with contextlib.redirect_stdout(io.StringIO()):
                pool = export.Pool(Path(folder) / 'networks.packed')
                entry = export.export(Path(folder) / 'encoder.onnx', pool, model, model.forward, inputs, list(inputs), ['geometry', 'expression', 'logVariance'])
                pool.pack()
                # What passes between nodes has names of one or two letters, and restore.py finds the weights all the same.
                graph = onnx.load(str(Path(folder) / 'encoder.onnx'), load_external_data=False).graph
                self.assertLess(max(len(name) for node in graph.node for name in node.output if name not in entry['outputs']), 3)
                self.assertLess((Path(folder) / 'networks.packed').stat().st_size, 1_250_000)      # noise, that packs badly
                restore.restore('encoder', encoder.Encoder(), restore.weights_of('encoder.onnx', 'encoder.'))
            stored = torch.load(Path(folder) / 'encoder-init.pt', weights_only=True)['slow']
        self.assertEqual(entry['inputs']['picture']['dims'], ['N', encoder.CROP, encoder.CROP, 3])
        for name, value in model.encoder.state_dict().items():
            torch.testing.assert_close(stored[name], value, rtol=0, atol=0)


class Portraits(unittest.TestCase):
    def test_a_white_sky_lights_white(self):
        directions = np.random.default_rng(0).standard_normal((200_000, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        radiance = light.sh_basis(directions).mean(0)[:, None] * 4 * math.pi * light.COSINE_LOBE[:, None]
        np.testing.assert_allclose(light.sh_basis(directions[:50]) @ radiance, 1, atol=.02)

    def test_run_lengths_are_unpacked(self):
        rng = np.random.default_rng(1)
        pixels = rng.integers(1, 255, (3, 40, 4), dtype=np.uint8)
        pixels[:, 10:30] = pixels[:, 10:11]
        body = bytearray()
        for row in pixels:
            body += bytes([2, 2, 0, 40])
            for c in range(4):
                body += bytes([10, *row[:10, c], 128 + 20, row[10, c], 10, *row[30:, c]])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'x.hdr'
            path.write_bytes(b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 3 +X 40\n' + bytes(body))
            found = light.read_hdr(path)
        expected = pixels[..., :3] * 2. ** (pixels[..., 3:].astype(float) - 136)
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_crop_of_a_turned_window_shows_the_window(self):
        y, x = np.mgrid[:200, :220]
        image = np.stack([x, y, 0 * x], 2).astype(np.uint8)
        for size, turn in ((60, 0), (90, .5), (40, -2.)):
            crop = portraits.crop_roi(image, 110., 100., float(size), turn, 50)
            v, u = (np.mgrid[:50, :50] + .5) / 50 * size - size / 2
            expected = np.stack([110 + u * math.cos(turn) - v * math.sin(turn) - .5, 100 + u * math.sin(turn) + v * math.cos(turn) - .5], 2)
            np.testing.assert_allclose(crop[..., :2], expected, atol=.02)

    def test_window_of_landmarks(self):
        rng = np.random.default_rng(2)
        local = rng.uniform(-1, 1, (468, 3)) * [40, 50, 20]
        local[:2, :2] = [[-40, -50], [40, 50]]
        local[portraits.RIGHT_EYE_OUTER], local[portraits.LEFT_EYE_OUTER] = [-30, -10, 0], [30, -10, 0]
        c, s = math.cos(.4), math.sin(.4)
        points = np.c_[200 + local[:, 0] * c - local[:, 1] * s, 150 + local[:, 0] * s + local[:, 1] * c, local[:, 2]]
        roi = portraits.roi_from_mesh(points, 1.2)
        np.testing.assert_allclose(roi, (200, 150, 120, .4), atol=1e-9)
        np.testing.assert_allclose(portraits.to_window(points, roi), local / 120, atol=1e-6)


class Skins(unittest.TestCase):
    def test_held_out_skins_are_two_per_third_and_no_extremes(self):
        tone = np.random.default_rng(5).permutation(31).astype(float)
        names = [str(k) for k in range(31)]
        chosen = choose_held_out(names, tone)
        self.assertEqual(chosen, choose_held_out(names, tone))
        ranks = [int(tone[int(n)]) for n in chosen]
        self.assertEqual(ranks, sorted(ranks))
        self.assertEqual([sum(a <= r < b for r in ranks) for a, b in ((1, 11), (11, 21), (21, 30))], [2, 2, 2])

    def test_prior_shares_sum_to_one_and_beards_come_as_a_whole(self):
        names = ['principal0', 'principal1', 'moustache', 'jawBeard', 'frownLines', 'spot0', 'spot0Side']
        prior = texture_prior(names, symmetric=1)
        classes = len(prior['shares'])
        self.assertAlmostEqual(float(prior['shares'].sum()), 1, places=5)
        self.assertEqual(prior['means'].shape, (classes, 7))
        self.assertEqual(prior['factors'].shape[::2], (classes, 7))
        self.assertEqual(prior['sigmas'][0], 1)
        self.assertLess(prior['sigmas'][1], 1)
        moustache, jaw = prior['means'][:, 2], prior['means'][:, 3]
        np.testing.assert_array_equal(moustache > 0, jaw > 0)
        self.assertTrue(0 < prior['shares'][moustache > 0].sum() < .5)


class Gather(unittest.TestCase):
    def test_facekit_reads_quads_triangles_and_offsets(self):
        with tempfile.TemporaryDirectory() as name:
            source, data = Path(name) / 'FaceXModel', Path(name) / 'data'
            source.mkdir()
            corners = 'vt 0 0\nvt 1 0\nvt 1 1\nf 1/1/1 2/2/2 3/3/3 4/1/4\nf 1/1 2/2 3/3\n'
            for file, move in (('generic_neutral_mesh', 0), ('identity000', 1), ('identity001', 2), ('jawOpen', 3), ('browDown_L', 4)):
                (source / f'{file}.obj').write_text(''.join(f'v {x + move} {x} 0.5\n' for x in range(4)) + corners)
            (source / 'vertex_indices.json').write_text('{}')
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                gather.facekit(source, data)
            kit = np.load(data / 'facekit' / 'facekit.npz')
            self.assertEqual(kit['expression_names'].tolist(), ['browDown_L', 'jawOpen'])
            self.assertEqual(kit['identity_offsets'][:, 0, 0].tolist(), [1, 2])
            self.assertEqual(kit['expression_offsets'][:, 0, 0].tolist(), [4, 3])
            self.assertEqual(kit['faces'].tolist(), [[0, 1, 2, 3], [0, 1, 2, -1]])
            self.assertEqual(kit['faces_uv'].tolist(), [[0, 1, 2, 0], [0, 1, 2, -1]])
            self.assertEqual(kit['uv'].shape, (3, 2))


class DensityBasis(unittest.TestCase):
    def test_says_what_the_colour_network_makes_of_every_code(self):
        rng = np.random.default_rng(5)
        image = lambda *dims: rng.integers(-90, 90, dims).astype(np.int8)
        stored = {'mean': rng.integers(80, 200, (3, 16, 16)).astype(np.uint8), 'principal': image(4, 3, 8, 8), 'principalScale': rng.uniform(.0002, .001, 4).astype(np.float32),
                  'fine': image(3, 8, 8), 'fineColour': rng.uniform(.0002, .001, (3, 3)).astype(np.float32), 'coarse': image(2, 4, 4),
                  'coarseColour': rng.uniform(.0002, .001, (2, 3)).astype(np.float32), 'names': np.array([f'code{k}' for k in range(9)])}
        colour = Colour(stored).eval()
        uv, code = torch.rand(50, 2), torch.randn(9)
        density, basis = colour.density_basis(uv)
        self.assertEqual(basis.shape, (50, 3, 9))
        expected = colour(uv, code, torch.zeros(58))
        self.assertLess(float((torch.exp(-(density + basis @ code)).clamp(max=1) - expected).abs().max()), 1e-5)


if __name__ == '__main__':
    unittest.main()
