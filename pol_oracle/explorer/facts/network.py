"""The task and the deployment: what is trained, by which rules, and where the contracts are."""

from __future__ import annotations

from typing import Any

from pol_oracle.protocol.difficulty import to_bits
from pol_oracle.protocol.text import ether

from .book import Book
from .common import PageFacts, hex0x

ROOTS = ("program_root", "train_root", "test_root", "initial_root", "eligible_hash")


class Rule(PageFacts):
    """A parameter in words."""

    name: str
    value: str
    words: str


class TaskFacts(PageFacts):
    """The task page."""

    name: str
    task_id: str
    genesis_id: str
    chain_id: int
    deployed_at: int
    model: str
    rule_set: str
    data: dict[str, str]
    train_count: int
    test_count: int
    batch_size: int
    training_steps: int
    mask_size: int
    learning_rate: str
    eligible_count: int
    rules: list[Rule]
    contracts: dict[str, str]
    roots: dict[str, str]


def network(book: Book) -> TaskFacts:
    """Returns the task page."""
    found, task = book.deployment, book.deployment.task
    spec: dict[str, Any] = found.spec
    data = {str(k): str(v) for k, v in dict(spec.get("data", {})).items() if k not in ("folder", "download")}
    return TaskFacts(
        name=str(spec.get("name", "task")),
        task_id=hex0x(task.id),
        genesis_id=found.genesis_id,
        chain_id=found.chain_id,
        deployed_at=found.deployed_at,
        model=str(spec.get("model", "")),
        rule_set=task.rule_set.name.lower(),
        data=data,
        train_count=task.train_count,
        test_count=task.test_count,
        batch_size=task.batch_size,
        training_steps=task.training_steps,
        mask_size=task.mask_size,
        learning_rate=f"{float(spec.get('learning_rate', 0)):g}",
        eligible_count=task.eligible_count,
        rules=_rules(book),
        contracts=dict(found.addresses),
        roots={name: hex0x(getattr(task, name)) for name in ROOTS},
    )


def _rules(book: Book) -> list[Rule]:
    p = book.deployment.parameters
    pace = f"aims at a block every {p.target_interval} s" if p.target_interval else "is fixed"
    told = (
        (
            "Difficulty",
            f"{to_bits(p.difficulty):g} bits",
            f"{pace}; {to_bits(p.min_difficulty):g} to {to_bits(p.max_difficulty):g} bits",
        ),
        (
            "Challenge window",
            f"{p.challenge_window} s",
            "after a proposal: until then anybody may begin to ask for parts of it",
        ),
        ("Answer window", f"{p.answer_window} s", "to answer a demand; who stays silent is slashed"),
        (
            "Reveal window",
            f"{p.reveal_window} s",
            "after a slash: an earlier sealed challenge may still claim the bounty",
        ),
        ("Quorum", f"{p.quorum} attestations", "before a block can be final"),
        ("Miner’s bond", f"{ether(p.miner_bond)} ETH", "locked per block; lost if one float of it is wrong"),
        ("Attester’s bond", f"{ether(p.attest_bond)} ETH", "locked per attestation; lost if the block was wrong"),
        ("Demand fee", f"{ether(p.demand_fee)} ETH", "pays whoever answers"),
        ("Miner’s reward", f"{ether(p.miner_reward)} LEARN", "per final block, less what its attesters get"),
        ("Attester’s reward", f"{ether(p.attester_reward)} LEARN", "for each timely attester of a final block"),
        ("Confirmations", f"{book.deployment.confirmations} L1 blocks", "before agents act on what L1 says"),
    )
    return [Rule(name=name, value=value, words=words) for name, value, words in told]
