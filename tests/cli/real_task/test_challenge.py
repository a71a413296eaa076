"""`pol challenge` proves a wrong block wrong, or demands what that takes."""

from __future__ import annotations

import pytest

from pol_oracle.fixtures.l1 import L1
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.search import Proof
from tests.cli.conftest import Pol
from tests.cli.real_task.blocks import Ground, off_by_one_ulp, proposed, unearned


def test_dry_run_shows_what_a_challenge_would_send_and_sends_nothing(pol: Pol, network: L1, ground: Ground) -> None:
    block = unearned(network, ground)
    before = network.client.latest().number

    said = pol("challenge", block, "--dry-run", "--json")
    assert said.code == 0, said.err
    assert (said.json["valid"], said.json["sent"]) == (False, False)
    (prove,) = said.json["calls"]
    assert (prove["contract"], prove["function"]) == ("Court", "proveRequirement")
    assert not prove["gas_with_slash"]  # nothing is committed, so the call itself would be refused
    assert prove["gas"] > 21_000
    assert prove["bytes"] > 1000

    own = pol("challenge", block, "--dry-run", "--dev", 9, "--json").json
    assert [call["function"] for call in own["calls"]] == ["commit", prove["function"]]
    text = pol("challenge", block, "--dry-run").out
    assert "would send: Court.prove" in text
    assert network.client.latest().number == before


def test_challenge_commits_waits_and_proves(
    pol: Pol, network: L1, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pol_oracle.l1.node.pace.patience_s", lambda *_: 0.0)  # this L1 makes no block unasked
    block = unearned(network, ground)
    waiting = pol("challenge", block, "--dev", 9)
    assert waiting.code == 1
    assert "give the command again" in waiting.sentence
    network.wait(1)
    ready = pol("challenge", block, "--dry-run", "--dev", 9, "--json").json["calls"]
    assert [(call["contract"], call["gas_with_slash"]) for call in ready] == [("Court", True)]

    said = pol("challenge", block, "--dev", 9, "--json")

    assert said.code == 0, said.err
    assert said.json["sent"]
    assert network.client.block_record(bytes.fromhex(block)).status is Status.SLASHED
    network.wait(3)
    for late in (("--dry-run",), ("--dev", 8), ("--dev", 9)):  # it was replayed, and a commitment paid for
        refused = pol("challenge", block, *late)
        assert refused.code == 1
        assert "is slashed already" in refused.sentence


def test_right_block_leaves_nothing_to_challenge(pol: Pol, network: L1, proof: Proof) -> None:
    block = proposed(network, proof.header)

    shown, sent = pol("challenge", block, "--dry-run"), pol("challenge", block, "--dev", 9)

    assert shown.code == 0
    assert "is valid" in shown.out
    assert sent.code == 1
    assert "nothing to challenge" in sent.sentence


def test_what_only_the_miner_knows_is_demanded(pol: Pol, network: L1, ground: Ground, proof: Proof) -> None:
    block = off_by_one_ulp(network, ground, proof)

    (first,) = pol("challenge", block, "--dry-run", "--dev", 9, "--json").json["calls"]
    assert (first["contract"], first["function"], first["gas"]) == ("Demands", "demand", None)
    assert first["about"] == "the roots of the step"
    assert "insufficient bond" in first["refused"]

    assert pol("bond", "deposit", 5, "--role", "verifier", "--dev", 9).code == 0
    unasked = pol("challenge", block, "--dev", 9)
    assert unasked.code == 1
    assert "--demand, which locks 0.02 ETH" in unasked.sentence
    assert "is INVALID: its trace is another one" in pol("challenge", block, "--dry-run").out

    said = pol("challenge", block, "--dev", 9, "--demand", "--json")
    assert said.code == 0, said.err
    assert pol("blocks", "show", block, "--json").json["demands"][0]["position"] == first["about"]
    assert pol("challenge", block, "--dry-run", "--dev", 9, "--json").json["calls"] == []  # it is demanded
