"""What is said to keep agents and blocks waiting is what keeps them waiting."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.agents.monitoring.waiting import block_wait, miner_wait, network_wait, verifier_wait
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.lifecycle import Role
from tests.agents.scene import BITS, ETH, MINER, PARAMETERS, POLICY, V1, V2, Scene

POOR = replace(PARAMETERS, miner_bond=5 * ETH)  # a bond of the scene's miner covers one block


def told(scene: Scene, block_id: bytes, later: int = 0) -> str:
    return block_wait(scene.view, scene.view.blocks[block_id], PARAMETERS, scene.now + later)


def test_a_block_waits_for_attestations_and_its_window() -> None:
    scene = Scene()
    block = scene.propose()
    assert told(scene, block) == "0 of 2 attestations, window ends in 19 s"

    scene.attest(block, V1)
    assert told(scene, block, later=100) == "1 of 2 attestations"

    scene.attest(block, V2)
    left = scene.view.blocks[block].proposed_at + PARAMETERS.challenge_window - scene.now
    assert told(scene, block) == f"window ends in {left} s"
    assert told(scene, block, later=left) == "can be final"


def test_a_block_waits_for_an_answer_and_its_parent() -> None:
    scene = Scene()
    low, high = scene.chain(2)
    for block in (low, high):
        for verifier in (V1, V2):
            scene.attest(block, verifier)
    assert told(scene, high, later=100) == "after its parent"

    scene.demand(low, BITS, V1)
    assert told(scene, low, later=100).startswith("1 open demand, answer due in ")


def test_a_miner_with_bond_waits_for_nothing() -> None:
    assert miner_wait(Scene().view, MINER, PARAMETERS, 0) is None


def test_an_exhausted_bond_says_when_it_is_released_and_what_to_do() -> None:
    scene = Scene(parameters=POOR)
    block = scene.propose()
    scene.emit(ev.Locked, account=MINER, role=Role.MINER, amount=4 * ETH)

    wait = miner_wait(scene.view, MINER, POOR, scene.now)
    assert wait is not None
    assert wait.text == ("bond fully locked in 1 block, the first waits: 0 of 2 attestations, window ends in 19 s")
    assert f"`pol bond deposit 25 --role miner --for {MINER} --account NAME`" in wait.remedy
    devnet = miner_wait(scene.view, MINER, POOR, scene.now, 31337)
    assert devnet is not None and f"--for {MINER} --dev 0`" in devnet.remedy  # it was asked for a key when pasted

    scene.attest(block, V1)
    scene.attest(block, V2)
    wait = miner_wait(scene.view, MINER, POOR, scene.now)
    assert wait is not None
    assert wait.text.startswith("bond fully locked, next release in ")


def test_who_has_no_bond_is_told_what_it_takes() -> None:
    scene = Scene()
    miner = miner_wait(scene.view, V1, PARAMETERS, 0)
    verifier = verifier_wait(scene.view, MINER, PARAMETERS, POLICY)
    assert miner is not None and "0 ETH bonded, a block takes 1" in miner.text
    assert verifier is not None and "`pol bond deposit" in verifier.remedy
    assert verifier_wait(scene.view, V1, PARAMETERS, POLICY) is None


def test_a_missing_quorum_is_noticed() -> None:
    assert network_wait(Scene().view, PARAMETERS) is None

    wait = network_wait(Scene(verifiers=(V1,)).view, PARAMETERS)
    assert wait is not None
    assert wait.text == "a block needs 2 attestations, and 1 verifier can give one"
