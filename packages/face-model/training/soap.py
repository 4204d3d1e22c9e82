"""SOAP (Vyas et al. 2024): Adam in the slowly turning eigenbasis of Shampoo's preconditioner. On small networks of coordinates a step costs a few per cent more and is worth about two."""
from __future__ import annotations

import torch

LARGEST = 400           # sides of a matrix up to here are preconditioned
MOST = 300_000          # numbers in a matrix up to which turning it is cheap beside a step


class Soap(torch.optim.Optimizer):
    """Vectors, tensors of other ranks than two and large matrices (feature tables) are left to plain Adam."""

    def __init__(self, groups, lr: float, betas=(.9, .99), basis_beta: float = .97, every: int = 10, eps: float = 1e-8):
        super().__init__(groups, {'lr': lr, 'betas': betas, 'basis_beta': basis_beta, 'every': every, 'eps': eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group['betas']
            for p in group['params']:
                if p.grad is None:
                    continue
                g, state = p.grad, self.state[p]
                if not state:
                    state['step'] = 0
                    state['exp_avg'], state['exp_avg_sq'] = torch.zeros_like(g), torch.zeros_like(g)
                    if g.dim() == 2 and g.numel() <= MOST:
                        for side, n in (('left', g.shape[0]), ('right', g.shape[1])):
                            if 1 < n <= LARGEST:
                                state[side] = torch.zeros(n, n)
                self._turn(state, g, group)
                state['step'] += 1
                m, v, t = state['exp_avg'], state['exp_avg_sq'], state['step']
                m.lerp_(g, 1 - b1)
                v.lerp_(self._into(state, g) ** 2, 1 - b2)
                update = self._into(state, m) / (v / (1 - b2 ** t)).sqrt().add_(group['eps'])
                p.sub_(self._out_of(state, update), alpha=group['lr'] / (1 - b1 ** t))

    def _turn(self, state, g, group):
        """Second moments by side, and every few steps one step of subspace iteration toward their eigenvectors."""
        for side in ('left', 'right'):
            if side not in state:
                continue
            outer = g @ g.T if side == 'left' else g.T @ g
            state[side].lerp_(outer, 1. if state['step'] == 0 else 1 - group['basis_beta'])
            if state['step'] == 0:
                state[f'{side}_basis'] = torch.linalg.eigh(state[side])[1].flip(1)
            elif state['step'] % group['every'] == 0:
                state[f'{side}_basis'] = torch.linalg.qr(state[side] @ state[f'{side}_basis'])[0]

    @staticmethod
    def _into(state, x):
        if 'left_basis' in state:
            x = state['left_basis'].T @ x
        return x @ state['right_basis'] if 'right_basis' in state else x

    @staticmethod
    def _out_of(state, x):
        if 'left_basis' in state:
            x = state['left_basis'] @ x
        return x @ state['right_basis'].T if 'right_basis' in state else x
