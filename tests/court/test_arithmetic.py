"""The court's binary32 against numpy's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from pol_oracle.bench.court.arithmetic import Calculator, vectors
from pol_oracle.canonical.expressions import Code
from pol_oracle.l1.client import Client
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.protocol.errors import Reverted

VECTORS = 8000  # per operation; `pol bench` takes more


@pytest.fixture(scope="module")
def l1(devnet: Devnet) -> Client:
    return Client.connect(devnet.rpc)


def test_every_operation_equals_numpy(l1: Client) -> None:
    assert [(row.name, row.value) for row in vectors(VECTORS, l1, seed=7) if not row.ok] == []


def test_lengths_that_do_not_fit_are_refused(l1: Client) -> None:
    calculator, two = Calculator(l1), np.zeros(2, np.uint32)
    for a, b in ((two, two[:1]), (two, None)):
        with pytest.raises(Reverted):
            calculator.calculate(Code.ADD, a, b)
    with pytest.raises(Reverted):
        calculator.calculate(Code.SQRT, two, two)
