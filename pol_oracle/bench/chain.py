"""How fast L1 carries our blocks, and how fast a late agent catches up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pol_oracle.fixtures.l1 import L1, PARAMETERS, VERIFIERS, running
from pol_oracle.l1.monitor import Monitor
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.view import History

from .format import Row

CATCH_UP_BAR_S = 10.0
CATCH_UP_L1_BLOCKS = 1000
THROUGHPUT_BLOCKS = 25
CALLS_PER_BLOCK = 4  # propose, two attestations, finalize
QUICK = replace(PARAMETERS, challenge_window=2)  # over by the time both attestations are in


def throughput(scratch: Path) -> Iterator[Row]:
    """Blocks per minute from proposal to finality when nothing but L1 and its client takes time."""
    with running(scratch, parameters=QUICK) as l1:
        l1.bond()
        began = time.perf_counter()
        extend(l1, THROUGHPUT_BLOCKS)
        seconds = time.perf_counter() - began
    yield Row("throughput.blocks_per_minute", 60 * THROUGHPUT_BLOCKS / seconds, "1/min", higher_is_better=True)


def catch_up(scratch: Path) -> Iterator[Row]:
    """Time for a late agent to read and fold 1,000 L1 blocks, each with a call of ours in it."""
    with running(scratch, parameters=QUICK) as l1:
        l1.bond()
        extend(l1, CATCH_UP_L1_BLOCKS // CALLS_PER_BLOCK)
        deployment = l1.client.deployment
        assert deployment is not None
        began = time.perf_counter()
        history = History(bytes.fromhex(deployment.genesis_id[2:]))
        update = Monitor(l1.client, deployment.deployed_at, 0).poll()
        history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
        seconds = time.perf_counter() - began
        blocks = update.l1_block - deployment.deployed_at
    yield Row("catch-up.1000_l1_blocks", seconds * 1000 / blocks, "s", bar=CATCH_UP_BAR_S)
    yield Row("catch-up.events_per_s", len(update.events) / seconds, "1/s", higher_is_better=True)


def extend(l1: L1, blocks: int) -> None:
    """Adds so many finalized blocks to the chain of a bonded miner and its verifiers."""
    tip = l1.client.finalized_tip()
    for number in range(blocks):
        tip, _ = l1.propose(l1.header(tip, number))
        for verifier in VERIFIERS:
            l1.send(verifier, "PoLRegistry", "attest", tip, ANY_DIFFICULTY)
        l1.send(VERIFIERS[0], "PoLRegistry", "finalize", tip, tip)
