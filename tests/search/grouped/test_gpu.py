"""Our kernels on a GPU against the compiled loops of the CPU, and the search with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pol_oracle.canonical.models import MODEL_NAMES
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.search import GroupedSearch, pick_device
from pol_oracle.search.draws import Nonces
from pol_oracle.search.grouped.passes import Passes
from tests.search.replay import base, job, stands
from tests.task.workloads import small_workload

GPU = pick_device(max(0, torch.cuda.device_count() - 1))  # where there are several, not the current one

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(GPU.type != "cuda", reason="needs a GPU and Triton")]


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_gpu_sees_what_a_cpu_sees(name: str) -> None:
    """Where they round differently, a sign may turn now and then."""
    workload = small_workload(model=name)
    drawn = Nonces(workload, job(12 * BIT, bytes(32))).draw_all(range(12))
    met = []
    for device in (GPU, torch.device("cpu")):
        passes = Passes(workload, device)
        passes.load(workload.initial)
        met.append(passes.met(drawn, drop=False))
        assert np.array_equal(passes.met(drawn).all(axis=1), met[-1].all(axis=1))
    assert (met[0] != met[1]).mean() < 0.05


def test_search_finds_proofs() -> None:
    workload = small_workload()
    proof = GroupedSearch(workload, 64, GPU).search(job(3 * BIT), base(workload.initial))
    assert proof is not None
    stands(workload, proof, 3 * BIT)
