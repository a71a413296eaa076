"""Agents as processes, killed with SIGKILL in the middle of their work and started again."""

from __future__ import annotations

import signal
from collections import Counter

from pol_oracle.l1.events import typed as ev
from tests.e2e.processes import Processes


def test_agents_killed_in_the_middle_send_nothing_twice_and_forget_no_duty(processes: Processes) -> None:
    processes.start("miner", 1)
    processes.start("verifier", 2)
    processes.until(lambda: processes.count(ev.BlockProposed) >= 2 and processes.count(ev.Attested) >= 1)
    assert set(processes.stop(signal.SIGKILL)) == {-signal.SIGKILL}
    killed_at = processes.history.view.l1_block

    processes.start("miner", 1)
    processes.start("verifier", 2)

    def all_paid() -> bool:
        finals = [e for e in processes.history.events if isinstance(e, ev.BlockFinalized)]
        after = [e for e in processes.history.events if isinstance(e, ev.BlockProposed) and e.at.l1_block > killed_at]
        return len(finals) >= 2 and processes.count(ev.AttestationSettled) >= 2 and bool(after)

    processes.until(all_paid)
    processes.until(lambda: processes.status("miner-1")["finalized_height"] >= 2)  # the miner has seen it too
    processes.until(lambda: any((processes.folder / "store").glob("*.f32")))  # for who comes later
    assert any((processes.folder / "store").glob("*.header"))
    proposals = Counter(e.block_id for e in processes.history.events if isinstance(e, ev.BlockProposed))
    assert set(proposals.values()) == {1}
    heights = [b.height for b in processes.history.view.blocks.values()]
    assert len(heights) == len(set(heights))  # the miner never raced itself

    assert processes.stop(signal.SIGTERM) == [0, 0]
    status = processes.status("miner-1")
    assert not status["running"]
    assert status["finalized_height"] >= 2
    assert any(entry["unit"] == "LEARN" and entry["amount"] > 0 for entry in status["ledger"])
