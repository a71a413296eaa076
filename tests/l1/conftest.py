"""Tests of L1 behind a proxy: nobody waits between attempts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pol_oracle.l1.node import rpc
from pol_oracle.soak.network.proxy import LyingProxy


@pytest.fixture
def proxy(anvil: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LyingProxy]:
    """A proxy before the devnet, which tells no lies so far."""
    monkeypatch.setattr(rpc, "PAUSE_S", 0.0)
    with LyingProxy(anvil, seed=1) as opened:
        yield opened
