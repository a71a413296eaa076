"""Bonds and fees of tasks/devnet.toml against measured gas, at the price that docs/economics.md states."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from pol_oracle.agents.respond import call_of
from pol_oracle.agents.rules.actions import ENTRIES, Demand, Expire, Explain, OneCall, Reveal
from pol_oracle.agents.rules.policy import DEMANDS
from pol_oracle.canonical.commitments.segments import SegmentEntry
from pol_oracle.evidence import Grounds, HonestDiscloser, TraceId, answer_to, traced
from pol_oracle.fixtures.l1 import L1, MINER, VERIFIERS, running
from pol_oracle.l1.sending.fees import CAPS, CallKind
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.positions import Item, MissingItem, Position, Tree
from pol_oracle.protocol.task import MAX_TRAINING_STEPS
from pol_oracle.task import Segment, Workload, build_workload, segment_step
from pol_oracle.task_file import TaskSpec, load_spec

TASKS = Path(__file__).parents[2] / "tasks"
GWEI = 10**9
NO_PROGRAM = (b"",)  # bits are demanded without a descriptor
PRICE = 6 * GWEI  # wei per gas
# bounds on what `pol bench court --only gas` measures, over weights that were made to be dear, and ConvictionGasTest
DEAREST_PROOF, CONVICTION = 10_000_000, 90_000
CATCH_UP, PROPOSAL = 450_000, 560_000  # after two thousand slashes: ManySlashesTest
REFUND = 65_000  # of a fee whose explanation fell: 63,104 on Anvil
ME = VERIFIERS[0]
LEAVES, BITS, ROOTS, LIST = Position(Item.LEAVES), Position(Item.BITS), Position(Item.ROOTS), Position(Item.STEPS)
SHOWN = 1  # step of the segment that is looked into
EXPLANATION = Position(Item.ROOTS, Tree.AFTER, 3)
LEAST_SHARE = 3 / 16  # of the bond: what a prover gets whom somebody preceded, if the answers take all they may


@dataclass(frozen=True)
class Costs:
    """Gas of transactions on a real L1.

    Attributes:
        commit: a commitment.
        first: the first demand about a block.
        later: the dearest of the following ones.
        answers: by what was demanded.
        answer_bytes: of the largest answer.
        expire: of an unanswered demand.
    """

    commit: int
    first: int
    later: int
    answers: dict[Position, int]
    answer_bytes: int
    expire: int


def largest(workload: Workload, tree: Tree = Tree.STEP, index: int = 0) -> Position:
    """The group of leaves of the state that a step starts from with the most elements."""
    sizes = [int(np.prod(weight.shape)) for weight in workload.model.state]
    return replace(LEAVES, tree=tree, index=index, tensor=int(np.argmax(sizes)))


def longest_segment(workload: Workload, genesis: bytes) -> Segment:
    """As many steps as a task may have: the first are real, and nobody looks at the others."""
    entries, state = list[SegmentEntry](), workload.initial
    for step in range(SHOWN + 1):
        result = segment_step(workload, genesis, step, state)
        roots, state = result.trace.roots, result.post
        entries.append(SegmentEntry(roots.batch_root, roots.inner_root, state.root))
    last = workload.initial  # W
    rest = [SegmentEntry(keccak(b"batch"), keccak(b"inner"), last.root)] * (MAX_TRAINING_STEPS - len(entries))
    return Segment(genesis, workload.initial, (*entries, *rest), last, finite=True)


def header_on(workload: Workload, draft: Header, segment: Segment) -> Header:
    """A header on a segment, with a real trace and the accuracy that the evaluation gives."""
    pre = segment.end
    draft = replace(draft, segment_root=segment.root, pre_root=pre.root)
    step = traced(workload, draft, TraceId(Tree.STEP), pre)
    tree = honest(workload, draft, segment).accuracy()
    draft = replace(draft, correct_before=tree.root.before, correct_after=tree.root.after)
    return replace(draft, post_root=step.roots.post_root, trace_root=step.roots.root, eval_root=tree.root.hash)


def honest(workload: Workload, header: Header, segment: Segment) -> HonestDiscloser:
    """Its miner."""
    test = workload.test
    grounds = Grounds(segment.end, segment)
    return HonestDiscloser(
        workload, header, grounds, lambda state: workload.evaluator.correct(state, test.images, test.labels)
    )


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> Costs:
    """Of an honest block of the devnet's model, about which everything is answered, and of one that shows nothing."""
    folder = tmp_path_factory.mktemp("prices")
    spec = {"name": "prices", "learning_rate": 0.01, "training_steps": MAX_TRAINING_STEPS}
    spec |= {"data": {"train": 512, "test": 512}}
    workload = build_workload(TaskSpec.model_validate(spec), folder / "data")
    with running(folder / "l1", workload.task, load_spec(TASKS / "devnet.toml").parameters()) as l1:
        l1.bond()
        demands, answers, size = _answered(l1, workload)
        commit = l1.send(ME, "Bounties", "commit", b"\x11" * 32).gas_used
        bad = replace(l1.header(l1.client.finalized_tip(), 99), correct_before=1, correct_after=2)
        hidden, _ = l1.propose(bad)
        carry_out(l1, ME, Demand(hidden, bad, MissingItem(BITS, NO_PROGRAM)))
        l1.wait(30)
        expire = carry_out(l1, ME, Expire(hidden, BITS, 0))
    return Costs(commit, demands[0], max(demands[1:]), answers, size, expire)


def carry_out(l1: L1, dev: int, action: OneCall) -> int:
    """Does what an agent would; returns the gas."""
    call = call_of(action)
    return l1.send(dev, call.contract, call.function, *call.args).gas_used


def _answered(l1: L1, workload: Workload) -> tuple[list[int], dict[Position, int], int]:
    """Gas of demands, from the header down, and of their answers, and the bytes of the longest answer."""
    tip = l1.client.finalized_tip()
    segment = longest_segment(workload, tip)
    headers = (header_on(workload, l1.header(tip, number), segment) for number in range(64))
    header = next(h for h in headers if h.correct_after > h.correct_before)
    block, _ = l1.propose(header)
    miner = honest(workload, header, segment)
    step, shown = largest(workload), largest(workload, Tree.SEGMENT, SHOWN)
    walk = [BITS, EXPLANATION, ROOTS, replace(step, item=Item.NODES), step]
    walk += [LIST, Position(Item.ROOTS, Tree.SEGMENT, SHOWN), replace(shown, item=Item.NODES), shown]
    demands, answers, size = [], {}, 0
    for position in walk:
        program = workload.programs.open(position.tree, position.tensor).abi()
        opening = miner.accuracy().open(position.index) if position.explains else (program,)
        demands.append(carry_out(l1, ME, Demand(block, header, MissingItem(position, opening))))
        answer = answer_to(position, workload.programs, miner)
        reply: OneCall = Reveal(block, header, position, answer)
        if position.explains:
            reply = Explain(block, header, position, answer, Role.MINER, 0)
        call = call_of(reply)
        size = max(size, len(call.data))
        answers[position] = carry_out(l1, MINER, reply)
    return demands, answers, size


@pytest.fixture(scope="module")
def devnet_parameters() -> Parameters:
    return load_spec(TASKS / "devnet.toml").parameters()


def test_fee_of_a_demand_pays_for_the_largest_answer(costs: Costs, devnet_parameters: Parameters) -> None:
    assert costs.answer_bytes > 64 * 1024
    assert max(costs.answers.values()) * PRICE <= devnet_parameters.demand_fee


def test_one_fee_pays_for_a_walk_that_ends_in_silence(costs: Costs, devnet_parameters: Parameters) -> None:
    """It is all that a demander gets: more would make silence worth buying."""
    walk = costs.first + (DEMANDS - 1) * costs.later + costs.expire
    assert walk * PRICE < devnet_parameters.demand_fee


def test_smallest_bounty_pays_for_the_longest_prosecution(costs: Costs, devnet_parameters: Parameters) -> None:
    """What is left where somebody committed earlier, and others answered: for every demand that a block can take, the
    commitment and the dearest proof."""
    demands = costs.first + (DEMANDS - 1) * costs.later
    longest = demands + costs.commit + DEAREST_PROOF + CONVICTION
    withheld = demands + costs.expire

    assert max(longest, withheld) * PRICE <= devnet_parameters.miner_bond * LEAST_SHARE


def test_half_of_an_attest_bond_pays_for_refuting_an_explanation(costs: Costs, devnet_parameters: Parameters) -> None:
    """Below an explanation a walk takes two demands more, nodes and leaves, whose fees go back."""
    refutation = 2 * (costs.later + REFUND) + costs.commit + DEAREST_PROOF
    assert refutation * PRICE <= devnet_parameters.attest_bond // 2


def test_an_explanation_costs_less_than_its_fee(costs: Costs, devnet_parameters: Parameters) -> None:
    assert costs.answers[EXPLANATION] * PRICE <= devnet_parameters.demand_fee // 2


def test_prosecution_without_demands_costs_a_small_part_of_the_bounty(
    costs: Costs, devnet_parameters: Parameters
) -> None:
    assert (costs.commit + DEAREST_PROOF + CONVICTION) * PRICE <= devnet_parameters.miner_bond // 5


@pytest.mark.parametrize(
    ("gas", "kind", "price"), [(CATCH_UP, CallKind.HOUSEKEEPING, 16), (PROPOSAL, CallKind.PROPOSE, 60)]
)
def test_what_a_block_beside_the_head_pays_for_slashes_fits_the_caps(gas: int, kind: CallKind, price: int) -> None:
    """At 16 gwei bonds end to pay for proofs. An audit found: what agents asked to be looked at cost 13 million gas."""
    contract = (Path(__file__).parents[1] / "solidity/registry/ManySlashes.t.sol").read_text()
    assert f"ENTRIES = {ENTRIES};" in contract
    assert f"{gas:_}" in contract
    limit = gas * 5 // 4 + 10_000  # as Outbox sends it
    assert limit * price * GWEI <= CAPS[kind]


@pytest.mark.parametrize("name", ["devnet", "resnet18", "cifar10"])
def test_a_whole_walk_locks_little(name: str) -> None:
    assert DEMANDS * load_spec(TASKS / f"{name}.toml").parameters().demand_fee <= 3 * 10**17


@pytest.mark.parametrize("name", ["devnet", "resnet18", "cifar10", "paper"])
def test_fees_and_bonds_of_every_task_file_are_in_proportion(name: str) -> None:
    parameters = load_spec(TASKS / f"{name}.toml").parameters()
    assert parameters.demand_fee >= 3_000_000 * PRICE
    assert parameters.attest_bond * 2 <= parameters.miner_bond
    assert parameters.miner_bond >= 10 * parameters.demand_fee
