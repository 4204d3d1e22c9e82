"""One training loop for every network: time-boxed, resumable, seeded, with a running average of the weights, a CSV curve and a guard against NaN.

Under `torchrun` every process draws its own batches and gradients are averaged: N processes are one with batches N times as large."""
from __future__ import annotations

import copy
import csv
import math
import os
import time
from pathlib import Path

import torch
import torch.distributed as dist
from tqdm import tqdm

import facekit as fk
from soap import Soap

FOLDER = fk.cache_dir() / 'runs'
WORLD, RANK = int(os.environ.get('WORLD_SIZE', 1)), int(os.environ.get('RANK', 0))


def fit(name: str, module: torch.nn.Module, loss, folder: Path, minutes: float, lr: float, evaluate=None, average: float = .998, every: float = 60, warm: float = .01,
        pace=lambda name: 1., start: str | None = None):
    """Minimises `loss(step) -> scalar` over the parameters of `module` that want gradients, for `minutes`, cosine schedule by time.

    `pace(name)` multiplies a parameter's learning rate. Resumes from `folder/name.pt` (weights, optimiser and the time already spent). `evaluate(module) -> dict` runs on the averaged weights each `every` seconds.
    Begins with the weights of `folder/start.pt`, or of `folder/name-init.pt` if there is one, when there is nothing to resume. A loss that is not finite stops the run with the last good checkpoint kept. Returns the averaged module."""
    if WORLD > 1 and not dist.is_initialized():
        dist.init_process_group('gloo')
    folder.mkdir(parents=True, exist_ok=True)
    path, curve = folder / f'{name}.pt', folder / f'{name}.csv'
    parameters = [p for p in module.parameters() if p.requires_grad]
    groups = [{'params': [p], 'pace': pace(n)} for n, p in module.named_parameters() if p.requires_grad]
    optimiser = Soap(groups, lr)
    slow = copy.deepcopy(module).requires_grad_(False)
    spent, step = 0., 0
    init = folder / (f'{start}.pt' if start else f'{name}-init.pt')
    if not path.exists() and (start or init.exists()):      # a warm start: weights alone, the schedule begins anew
        state = torch.load(init, weights_only=True)
        module.load_state_dict(state['module'])
        slow.load_state_dict(state['slow'])
    if path.exists():
        state = torch.load(path, weights_only=True)
        module.load_state_dict(state['module'])
        slow.load_state_dict(state['slow'])
        optimiser.load_state_dict(state['optimiser'])
        spent, step = state['spent'], state['step']
    if WORLD > 1:      # processes seed differently, to draw different batches
        for tensor in (*module.parameters(), *slow.parameters()):
            dist.broadcast(tensor.data, 0)
    pairs = [(p, s) for (n, p), (_, s) in zip(module.named_parameters(), slow.named_parameters()) if p.requires_grad]

    def save():
        part = path.with_suffix('.part')
        torch.save({'module': module.state_dict(), 'slow': slow.state_dict(), 'optimiser': optimiser.state_dict(), 'spent': spent, 'step': step}, part)
        part.replace(path)

    began, last = time.time() - spent, time.time()
    bar = tqdm(total=round(minutes * 60), initial=round(spent), desc=name, unit='s', mininterval=10, disable=RANK > 0)
    running = 0.
    while (done := agreed((time.time() - began) / (60 * minutes))) < 1:
        rate = lr * min(1, done / warm + .02) * (.5 + .5 * math.cos(math.pi * done) + .003)
        for group in optimiser.param_groups:
            group['lr'] = rate * group['pace']
        value = loss(step)
        if not math.isfinite(agreed(value.item(), mean=True)):      # one process that fails stops all
            raise SystemExit(f'{name}: the loss became {value.item()} at step {step}; the last good checkpoint is {path}')
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        if WORLD > 1:
            flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in parameters])
            dist.all_reduce(flat)
            for p, g in zip(parameters, flat.split([p.numel() for p in parameters])):
                p.grad = (g / WORLD).view_as(p)
        torch.nn.utils.clip_grad_norm_(parameters, 1.)
        optimiser.step()
        keep = min(average, (step + 1) / (step + 10))
        with torch.no_grad():
            for p, s in pairs:
                s.lerp_(p, 1 - keep)
        running = value.item() if step == 0 else .99 * running + .01 * value.item()
        step += 1
        if RANK == 0 and time.time() - last > every:
            spent, last = time.time() - began, time.time()
            figures = {'step': step, 'seconds': round(spent), 'loss': running, **(evaluate(slow) if evaluate else {})}
            bar.update(round(spent) - bar.n)
            bar.write('  '.join(f'{k} {v:.5g}' for k, v in figures.items()))
            fresh = not curve.exists()
            with curve.open('a', newline='') as file:
                writer = csv.DictWriter(file, figures)
                if fresh:
                    writer.writeheader()
                writer.writerow(figures)
            save()
    spent = time.time() - began
    if RANK == 0:
        save()
    bar.close()
    return slow


def trained(name: str, module: torch.nn.Module) -> torch.nn.Module:
    """The averaged weights of a finished run, or what restore.py read from the shipped networks."""
    path = FOLDER / f'{name}.pt'
    state = torch.load(path if path.exists() else FOLDER / f'{name}-init.pt', weights_only=True)
    module.load_state_dict(state['slow'])
    return module.requires_grad_(False)


def agreed(value: float, mean: bool = False) -> float:
    """The first process's value, or the mean of all."""
    if WORLD == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    if mean:
        dist.all_reduce(shared)
        return shared.item() / WORLD
    dist.broadcast(shared, 0)
    return shared.item()
