"""Mining: looking for steps on W that meet the requirements.

The package of torch; what decides about a proof does without.

    torch_models.py   the canonical models as torch modules, with the same names; states in and out
    naive.py          Algorithm 1 as written: one SGD step per nonce
    grouped/          the grouped search: many nonces per pass
    crew.py           several processes that search for one block, and what they tell each other
    helper.py         what those do that do not lead
    draws.py          what nonces demand: one at a time, or a pass's at once
    candidates.py     from a candidate to a proof: the canonical step, then accuracy
    screening.py      exact accuracy of the miner's own states, mostly from torch

Nothing here decides whether a proof is valid: torch finds candidates, the canonical step and evaluation confirm them.
"""

from __future__ import annotations

from pol_oracle.task import Workload
from pol_oracle.task.proof import Base, Job, Progress, Proof, Search

from .crew import Rendezvous
from .grouped.search import GroupedSearch
from .helper import help_leader
from .naive import NaiveSearch
from .torch_models import build_module, load_state, pick_device, read_state, set_up_torch

__all__ = [
    "Base",
    "GroupedSearch",
    "Job",
    "NaiveSearch",
    "Progress",
    "Proof",
    "Rendezvous",
    "Search",
    "build_module",
    "help_leader",
    "load_state",
    "pick_device",
    "read_state",
    "search_for",
    "set_up_torch",
]


def search_for(workload: Workload, rendezvous: Rendezvous | None = None) -> Search:
    """Returns the search for a task's rules.

    Args:
        workload: the task.
        rendezvous: where helpers find this process, under hardened rules; None searches alone.
    """
    if workload.rules.derived_state:
        return GroupedSearch(workload, rendezvous=rendezvous)
    return NaiveSearch(workload)
