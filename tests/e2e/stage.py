"""Agents on a real L1 with real contracts and a made-up task: time moves when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from eth_account.signers.local import LocalAccount

from pol_oracle.agents.config import AgentConfig
from pol_oracle.agents.miner import MinerLoop, Produce
from pol_oracle.agents.rules.policy import Policy
from pol_oracle.agents.rules.verdicts import Answerer, Invalid, Replay, Unavailable, Valid, Verdict
from pol_oracle.agents.runtime import Context, Loop, open_context
from pol_oracle.agents.storage.kept import FinalHeaders, FinalStates
from pol_oracle.agents.verifier import VerifierLoop
from pol_oracle.agents.work.follow import Ask
from pol_oracle.agents.work.worker import Background, Cancelled
from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.evidence import Answer, FraudProof, Shown, bits_answer
from pol_oracle.evidence.accuracy import sums_proof
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.derivation import batch, seed
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Item, MissingItem, Position
from pol_oracle.protocol.task import Task
from pol_oracle.task.proof import Job
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage

ETH = 10**18
STAKE = 5 * ETH
Mine = Callable[..., None]
AnyLoop = TypeVar("AnyLoop", bound=Loop)


@dataclass(frozen=True)
class MadeUpProof:
    """A proof without states: the contracts look at the accuracy tree and nothing else."""

    header: Header


def header_of(task: Task, job: Job, nonce: int = 0, correct: int | None = None) -> Header:
    """A header that the registry takes, with the accuracy tree that it should have."""
    segment, pre = (keccak(bytes([n]) + job.parent) for n in range(2))
    post, trace = (keccak(bytes([n]) + job.parent + nonce.to_bytes(8, "big")) for n in range(2))
    drawn = seed(task.rules, task.id, job.parent, job.miner, nonce)
    indices = batch(drawn, task.batch_size, task.train_count)
    below = job.lineage[-1].correct_after if job.lineage else 0
    after = below + 1 if correct is None else correct
    bits = accuracy(task, after).root.hash
    return Header(job.parent, job.miner, nonce, indices, segment, pre, post, trace, bits, after - 1, after)


def accuracy(task: Task, correct: int) -> AccuracyTree:
    """The accuracy tree of a made-up block: W' classifies the first ``correct`` samples correctly, W one less."""
    samples = np.arange(task.test_count)
    return AccuracyTree.of(samples < correct - 1, samples < correct)


def boast(header: Header) -> Header:
    """Claims five more correct samples than the accuracy tree has: wrong in a way that the Court can see."""
    return replace(header, correct_after=header.correct_after + 5)


def boast_proof(task: Task, header: Header) -> FraudProof:
    """The proof against a boast; against any other block it proves nothing."""
    tree = accuracy(task, header.correct_before + 1)
    return sums_proof(header, tree, len(tree.levels) - 1, 0, header.correct_before, header.correct_after)


def believe(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Ask) -> Verdict:
    """Finds every block right."""
    return Valid(block.id)


def reveal_bits(task: Task) -> Answerer:
    """Shows all bits of the evaluation; other demands it cannot answer."""

    def answer(block: BlockView, lineage: Lineage, position: Position, cancelled: Ask) -> Answer:
        if position.item is not Item.BITS:
            raise StoreError(f"nothing to show: {position}")
        return bits_answer(accuracy(task, block.correct_after).words)

    return answer


def silent(block: BlockView, lineage: Lineage, position: Position, cancelled: Ask) -> Answer:
    """Answers nothing."""
    raise StoreError(f"nothing to show: {position}")


class Done:
    """Work that ended while it was begun."""

    def is_alive(self) -> bool:
        return False

    def join(self, timeout: float | None = None) -> None:
        """There is nothing to wait for."""


def at_once(run: Callable[[], None], name: str) -> Done:
    """Does work while it is begun: what an agent does at an L1 block does not depend on how fast it computes."""
    run()
    return Done()


class Stage:
    """Opens agents and moves time.

    Args:
        folder: for the agents' files.
        rpc: of L1.
        deployment: on it.
        mine: makes L1 blocks.
        pace: seconds of L1 time between them, if not told otherwise.
        clock: in seconds; L1's time goes at least as fast. None: only as told.
    """

    def __init__(
        self,
        folder: Path,
        rpc: str,
        deployment: Deployment,
        mine: Mine,
        pace: int = 1,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.folder = folder
        self.pace = pace
        self._clock = clock or (lambda: 0.0)
        self._told = self._clock()
        self.rpc = rpc
        self.deployment = deployment
        self.mine = mine
        self.client = Client.connect(rpc, deployment)
        self.loops: list[Loop] = []
        # else every transaction would be a block of its own, a second later than the one before
        self.client.rpc.request("evm_setAutomine", False)

    def bond(self, account: LocalAccount, role: Role, amount: int = STAKE) -> None:
        """Deposits a bond."""
        with Sender(self.client, account, self.folder / f"bond-{account.address}-{role}.sqlite") as sender:
            sender.submit(Call("deposit", "BondVault", "deposit", (int(role),), amount))
            for _ in range(10):
                if any(result.ok for result in sender.tick()):
                    return
                self.mine()
        raise AssertionError("the bond was not deposited")

    def config(self, account: LocalAccount, **options: Any) -> AgentConfig:
        """An agent's settings; the same account always gets the same files."""
        name = f"agent-{account.address[2:8]}"
        policy = Policy(stagger=6)
        return AgentConfig(
            self.deployment,
            account,
            name,
            self.folder / "agents",
            self.folder,
            rpc=self.rpc,
            policy=policy,
            background=Background(0, spawn=at_once),
            **options,
        )

    def verifier(
        self,
        account: LocalAccount,
        replay: Replay = believe,
        answer: Answerer = silent,
        served: FinalStates | None = None,
        headers: FinalHeaders | None = None,
    ) -> VerifierLoop:
        """Opens a verifier that comes to these verdicts."""
        context = self._context(account, Role.VERIFIER)
        return self._join(VerifierLoop(context, replay, answer, served=served, headers=headers))

    def against(self, *cheats: LocalAccount, kind: EvidenceKind = EvidenceKind.ACCURACY) -> Replay:
        """A replay that has proof against these miners' blocks, or lacks their bits."""
        guilty, task = {account.address for account in cheats}, self.deployment.task

        def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Ask) -> Verdict:
            if block.miner not in guilty or block.header is None:
                return Valid(block.id)
            if kind is not EvidenceKind.WITHHELD:
                return Invalid(block.id, "wrong", boast_proof(task, block.header))
            bits = Position(Item.BITS)
            lacks = MissingItem(bits, (b"",))
            return Valid(block.id) if bits in shown else Unavailable(block.id, "not shown", lacks)

        return replay

    def miner(
        self,
        account: LocalAccount,
        blocks: int,
        replay: Replay = believe,
        *,
        forge: Callable[[Header], Header] = lambda h: h,
        answer: Answerer = silent,
    ) -> MinerLoop:
        """Opens a miner that finds this many proofs."""
        found: list[Header] = []

        def produce(job: Job, cancelled: Ask) -> Any:
            if len(found) >= blocks:
                raise Cancelled
            header = forge(header_of(self.deployment.task, job, len(found)))
            found.append(header)
            return MadeUpProof(header)

        return self.mining(account, replay, produce, answer)

    def proposing(
        self, account: LocalAccount, headers: Sequence[Header], answer: Answerer = silent, replay: Replay = believe
    ) -> MinerLoop:
        """Opens a miner that proposes these blocks, each once, one after the other."""
        waiting = list(headers)

        def produce(job: Job, cancelled: Ask) -> Any:
            if not waiting:
                raise Cancelled
            return MadeUpProof(waiting.pop(0))

        return self.mining(account, replay, produce, answer)

    def mining(self, account: LocalAccount, replay: Replay, produce: Produce, answer: Answerer = silent) -> MinerLoop:
        """Opens a miner that makes proofs in its own way."""
        return self._join(MinerLoop(self._context(account, Role.MINER), replay, produce, answer))

    def rounds(self, count: int = 1, seconds: int | None = None) -> None:
        """Lets L1 make blocks, and every agent take its turn at each.

        Args:
            count: L1 blocks.
            seconds: of L1 time between them; None: the stage's pace.
        """
        for _ in range(count):
            step = max(self.pace if seconds is None else seconds, self._gone())
            self.client.rpc.request("evm_setNextBlockTimestamp", self.client.latest().timestamp + step)
            self.mine()
            for loop in self.loops:
                loop.turn()

    def _gone(self) -> int:
        """Whole seconds since the last round."""
        gone = int(self._clock() - self._told)
        self._told += gone
        return gone

    def until(self, condition: Callable[[], bool], limit: int = 120) -> None:
        """Rounds until something is true."""
        for _ in range(limit):
            if condition():
                return
            self.rounds()
        raise AssertionError("it never came true")

    def statuses(self) -> list[Status]:
        """What became of all blocks but genesis, in L1 order, as the first agent sees it."""
        return [block.status for block in self.loops[0].view.blocks.values()][1:]

    def kill(self, loop: Loop) -> None:
        """Ends an agent without a word: nothing is settled, told or written any more."""
        self.loops.remove(loop)
        loop.close_workers(1)
        loop.context.sender.close()  # the process's locks end with it
        loop.context.memory.close()

    def close(self) -> None:
        """Ends all agents."""
        for loop in self.loops:
            loop.close()

    def _join(self, loop: AnyLoop) -> AnyLoop:
        self.loops.append(loop)
        return loop

    def _context(self, account: LocalAccount, role: Role) -> Context:
        config, bond = self.config(account), self.client.bond(account.address, role)
        if bond.free + bond.locked == 0:
            needed = config.policy.needed(self.deployment.parameters) if role is Role.VERIFIER else 0
            self.bond(account, role, max(STAKE, needed))
        return open_context(config, role)
