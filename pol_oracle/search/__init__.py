"""Mining: looking for steps that meet the requirements, as a by-product of training. The package of torch;
what decides about a proof does without.

    torch_models.py      the canonical models as torch modules, with the same names; states in and out
    naive.py             Algorithm 1 as written: one SGD step per nonce
    grouped.py           the grouped search: many nonces per pass, and every pass trains
      plan.py            how large a pass should be on this machine, and how precise
      passes.py          one pass over the nonces of one W
      grouped_network.py the network for it, made of
        group_norm.py    batch norm by groups, and
        live_convolution.py convolutions that tell the gradient at single weights;
        cpu_loops.py     both compiled, for a CPU
        gpu_loops.py     both as kernels, for a GPU; gpu_roots.py: roots where the weights are;
        recorder.py      passes recorded there, and replayed
      optimiser.py       what moves W from pass to pass
      crew.py            several processes with one W, and who of them is alive
      lead.py            a round of theirs, from both sides
    draws.py             what nonces demand: one at a time, or a pass's at once
    attempt.py           from a candidate to a proof: the canonical step, then accuracy
    screen.py            exact accuracy of the miner's own states, mostly from torch
    train.py             ordinary training

Nothing here decides whether a proof is valid: torch finds candidates, the canonical step and evaluation confirm them.
"""

from __future__ import annotations

from pol_oracle.task import Workload

from .crew import Meeting
from .grouped import GroupedSearch
from .lead import help_leader
from .naive import NaiveSearch
from .optimiser import AveragedSGD
from .plan import Plan
from .proof import Parent, Progress, Proof, Search
from .torch_models import build_module, load_state, pick_device, read_state, set_up_torch
from .train import Recipe, count_correct, train

__all__ = [
    "AveragedSGD",
    "GroupedSearch",
    "Meeting",
    "NaiveSearch",
    "Parent",
    "Plan",
    "Progress",
    "Proof",
    "Recipe",
    "Search",
    "build_module",
    "count_correct",
    "help_leader",
    "load_state",
    "pick_device",
    "read_state",
    "search_for",
    "set_up_torch",
    "train",
]


def search_for(workload: Workload, meeting: Meeting | None = None) -> Search:
    """Returns the search for a task's rules.

    Args:
        workload: the task.
        meeting: where helpers find this process, under hardened rules; None searches alone.
    """
    if workload.rules.seed_binds_proof:
        return GroupedSearch(workload, meeting=meeting)
    return NaiveSearch(workload)
