"""Mining: looking for steps that meet the requirements, and training in between. The only package that uses torch.

    torch_models.py   the canonical models as torch modules, with the same names; states in and out
    naive.py          Algorithm 1 as written: one SGD step per nonce
    screen.py         exact accuracy of the miner's own states, mostly from torch
    train.py          ordinary training between proofs

Nothing here decides whether a proof is valid: torch finds candidates, the canonical step and evaluation confirm them.
"""

from __future__ import annotations

from .naive import NaiveSearch, Parent, Progress, Proof, search
from .torch_models import build_module, load_state, pick_device, read_state, use_threads
from .train import Recipe, count_correct, train, train_to

__all__ = [
    "NaiveSearch",
    "Parent",
    "Progress",
    "Proof",
    "Recipe",
    "build_module",
    "count_correct",
    "load_state",
    "pick_device",
    "read_state",
    "search",
    "train",
    "train_to",
    "use_threads",
]
