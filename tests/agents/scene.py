"""A stage for agents: made-up L1 events, folded into a view as they are written."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from pol_oracle.agents.respond import Challenge, Committer, Responder
from pol_oracle.agents.rules.actions import Action, Prove
from pol_oracle.agents.rules.knowledge import Verifier
from pol_oracle.agents.rules.policy import Policy
from pol_oracle.agents.rules.verdicts import Unavailable, Verdict
from pol_oracle.evidence import Answer, FraudProof
from pol_oracle.fixtures import l1
from pol_oracle.l1.events import typed as ev
from pol_oracle.l1.sending.calls import Call
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.positions import Item, MissingItem, Position, Tree
from pol_oracle.view import History, View

ETH = 10**18
TASK = keccak(b"task")
GENESIS = keccak(b"genesis")
MINER, CHEAT, V1, V2, V3 = ("0x" + f"{n:02x}" * 20 for n in range(0x11, 0x16))
PARAMETERS = replace(l1.PARAMETERS, difficulty=4 * BIT)
POLICY = Policy()
FEE = PARAMETERS.demand_fee
ROOTS, NODES, LEAVES = Position(Item.ROOTS), Position(Item.NODES, tensor=7), Position(Item.LEAVES, tensor=7, group=1)
STEPS, BITS, EXPLANATION = Position(Item.STEPS), Position(Item.BITS), Position(Item.ROOTS, Tree.AFTER, index=9)
TRACE_ROOT = keccak(b"the roots of an evaluation")
EXPLAINED_LEAVES = Position(Item.LEAVES, Tree.AFTER, index=9, tensor=7, explanation=TRACE_ROOT)
NOBODY = "0x" + "00" * 20
OPENING = (b"opening",)


def proof_of(block_id: bytes, kind: EvidenceKind = EvidenceKind.STEP) -> FraudProof:
    """A Court call; nobody looks into it, but it can be encoded."""
    return FraudProof(kind, "proveSums", (_header(block_id), (0, 0, 1, 2, b"content", [])))


def refutation(trace_root: bytes = TRACE_ROOT) -> FraudProof:
    """A Court call against an explanation."""
    evidence = (int(Tree.AFTER), EXPLANATION.index), (b"program", b"opening")
    return FraudProof(None, "proveBit", (_header(trace_root), *evidence), replace(EXPLANATION, explanation=trace_root))


def _header(parent: bytes) -> tuple[Any, ...]:
    return Header(parent, CHEAT, 0, (0, 1, 2, 3), ZERO, ZERO, ZERO, ZERO, ZERO, 0, 1).astuple()


def lacks(block_id: bytes, position: Position) -> Unavailable:
    """What a replay says that lacks something."""
    return Unavailable(block_id, "not shown", MissingItem(position, OPENING))


def answer_of(position: Position) -> Answer:
    """An answer; nobody looks into it either."""
    return Answer("revealNodes", (position.tensor,))


def account_of(address: str) -> Any:
    """The account that an address would belong to."""
    return SimpleNamespace(address=address, key=keccak(address.encode()))


def challenge(block_id: bytes, proof: FraudProof, explained_at: int = 0, me: str = V1) -> Challenge:
    """The calls that a proof takes."""
    return Committer(account_of(me))(Prove(block_id, proof, explained_at))


def sent(scene: Scene, actions: Iterable[Action], depth: int = 0, me: str = V1) -> list[Call]:
    """The calls that actions come to as L1 stands."""
    calls: list[Call] = []
    Responder(SimpleNamespace(submit=calls.append), Committer(account_of(me)), depth)(actions, scene.view)
    return calls


class Scene:
    """L1 in the small. Time and L1 blocks only move with :meth:`wait`."""

    def __init__(
        self, verifiers: tuple[str, ...] = (V1, V2, V3), start: int = 1000, parameters: Parameters = PARAMETERS
    ) -> None:
        self.parameters = parameters
        self.now = start
        self.l1_block = 1
        self.logs = 0
        self.history = History(GENESIS)
        self.emit(ev.HeadChanged, block_id=GENESIS, total_work=0)
        for miner in (MINER, CHEAT):
            self.emit(ev.Deposited, account=miner, role=Role.MINER, amount=5 * ETH)
        for verifier in verifiers:
            self.emit(ev.Deposited, account=verifier, role=Role.VERIFIER, amount=3 * ETH)
        self.wait(1)

    @property
    def view(self) -> View:
        return self.history.view

    def at(self) -> ev.LogPosition:
        self.logs += 1
        tx_hash = keccak(self.logs.to_bytes(8, "big"))
        return ev.LogPosition(
            l1_block=self.l1_block, l1_hash=self.hash(), log_index=self.logs, timestamp=self.now, tx_hash=tx_hash
        )

    def hash(self) -> bytes:
        return keccak(self.l1_block.to_bytes(8, "big"))

    def emit(self, event: type[Any], /, **fields: Any) -> None:
        self.history.update(None, [event(**fields, at=self.at())], self.l1_block, self.now)

    def wait(self, seconds: int = 1) -> None:
        self.now += seconds
        self.l1_block += 1
        self.history.update(None, [], self.l1_block, self.now)

    def header(self, parent: bytes = GENESIS, miner: str = MINER, nonce: int = 0, correct: int = 100) -> Header:
        segment, pre = (keccak(bytes([n]) + parent) for n in range(2))  # the same for all children
        post, trace, bits = (keccak(bytes([n, nonce]) + parent + bytes.fromhex(miner[2:])) for n in range(3))
        return Header(parent, miner, nonce, (1, 2, 3, 4), segment, pre, post, trace, bits, correct - 1, correct)

    def propose(
        self,
        parent: bytes = GENESIS,
        miner: str = MINER,
        nonce: int = 0,
        correct: int = 100,
        header: Header | None = None,
        task: bytes = TASK,
    ) -> bytes:
        """Proposes a block and, if it has most work, makes it the head."""
        header = header or self.header(parent, miner, nonce, correct)
        block_id = header.id(task)
        height = self.view.blocks[parent].height + 1
        names = {"block_id": block_id, "parent": parent, "miner": miner}
        self.emit(
            ev.BlockProposed,
            **names,
            height=height,
            difficulty=self.view.child_difficulty(parent, self.parameters),
            header=header,
        )
        self.emit(ev.Locked, account=miner, role=Role.MINER, amount=PARAMETERS.miner_bond)
        old = self.view.blocks[self.view.head]
        if self.view.blocks[block_id].total_work > old.total_work:
            if old.id not in {GENESIS, *(block.id for block in self.view.branch(block_id))}:
                self.emit(ev.HeadContested, block_id=old.id)
            self.emit(ev.HeadChanged, block_id=block_id, total_work=self.view.blocks[block_id].total_work)
        self.wait()
        return block_id

    def chain(self, length: int, parent: bytes = GENESIS, miner: str = MINER) -> list[bytes]:
        """Proposes blocks one on the other."""
        blocks = [parent]
        while len(blocks) <= length:
            blocks.append(self.propose(blocks[-1], miner))
        return blocks[1:]

    def attest(self, block_id: bytes, *verifiers: str) -> None:
        for verifier in verifiers:
            self.emit(ev.Attested, block_id=block_id, verifier=verifier)
            self.emit(ev.Locked, account=verifier, role=Role.VERIFIER, amount=PARAMETERS.attest_bond)

    def finalize(self, block_id: bytes) -> None:
        miner = self.view.blocks[block_id].miner
        self.emit(ev.BlockFinalized, block_id=block_id, miner=miner, reward=PARAMETERS.miner_reward)
        self.emit(ev.Unlocked, account=miner, role=Role.MINER, amount=PARAMETERS.miner_bond)

    def slash(
        self, block_id: bytes, winner: str = V1, kind: EvidenceKind = EvidenceKind.REQUIREMENT, order: int = 1
    ) -> None:
        """Slashes a block; a head above it falls back to its parent."""
        block = self.view.blocks[block_id]
        self.emit(ev.BountyAssigned, block_id=block_id, challenger=winner, kind=kind, order=order)
        fallen = block_id in {b.id for b in self.view.branch(self.view.head)}
        self.emit(ev.BlockSlashed, block_id=block_id, miner=block.miner, kind=kind)
        if fallen:
            parent = self.view.blocks[block.parent]
            self.emit(ev.HeadChanged, block_id=parent.id, total_work=parent.total_work)

    def forfeit(self, block_id: bytes) -> None:
        """Takes a slashed block's bond."""
        miner, bond = self.view.blocks[block_id].miner, PARAMETERS.miner_bond
        self.emit(ev.BondForfeited, block_id=block_id, miner=miner, amount=bond, first=V1, prover=V1)
        self.emit(ev.Forfeited, account=miner, role=Role.MINER, amount=bond, burned=bond)

    def orphan(self, block_id: bytes) -> None:
        """Orphans a block; above a slashed one, half of its bond is burned."""
        miner, bond = self.view.blocks[block_id].miner, PARAMETERS.miner_bond
        loss = bond // 2 if self._above_slashed(block_id) else 0
        self.emit(ev.BlockOrphaned, block_id=block_id, miner=miner, loss=loss)
        if loss:
            self.emit(ev.Forfeited, account=miner, role=Role.MINER, amount=loss, burned=loss)
        self.emit(ev.Unlocked, account=miner, role=Role.MINER, amount=bond - loss)

    def _above_slashed(self, block_id: bytes) -> bool:
        below = self.view.blocks[block_id]
        while below.header is not None:
            below = self.view.blocks[below.parent]
            if below.status is Status.SLASHED:
                return True
        return False

    def settle(self, block_id: bytes, verifier: str) -> None:
        status = self.view.blocks[block_id].status
        bond = PARAMETERS.attest_bond
        loss = bond if status is Status.SLASHED else 0
        self.emit(ev.AttestationSettled, block_id=block_id, verifier=verifier, outcome=status, reward=0, loss=loss)
        self.emit(ev.Unlocked, account=verifier, role=Role.VERIFIER, amount=bond)

    def commit(self, challenger: str, commitment: bytes, order: int = 1) -> None:
        self.emit(ev.ChallengeCommitted, challenger=challenger, commitment=commitment, order=order)

    def demand(
        self, block_id: bytes, position: Position = ROOTS, demander: str = V1, order: int = 1, window: int | None = None
    ) -> bytes:
        """Demands something, or an explanation; returns the demand's id."""
        name, time = position.demand_id(block_id), PARAMETERS.answer_window if window is None else window
        asked: dict[str, Any] = {"demander": demander, "order": order, "deadline": self.now + time}
        if position.explains:
            self.emit(ev.ExplanationDemanded, block_id=block_id, **_evaluation(position), **asked, bit=True)
        else:
            self.emit(ev.Demanded, block_id=block_id, demand_id=name, position=position, **asked)
        self.emit(ev.Locked, account=demander, role=Role.VERIFIER, amount=FEE)
        return name

    def answer(
        self, demand: bytes, responder: str = MINER, data: bytes = b"shown", trace_root: bytes = TRACE_ROOT
    ) -> None:
        """Answers a demand, or explains."""
        made = self.view.demands[demand]
        if not made.position.explains:
            self.emit(ev.Revealed, block_id=made.block_id, demand_id=demand, responder=responder, answer=data)
            return
        given = {"author": responder, "trace_root": trace_root, "answer": data}
        self.emit(ev.Explained, block_id=made.block_id, **_evaluation(made.position), **given)

    def show(self, block_id: bytes, *positions: Position, demander: str = V2, data: bytes = b"shown") -> None:
        """Has something demanded and answered by the miner."""
        for position in positions:
            self.answer(self.demand(block_id, position, demander), self.view.blocks[block_id].miner, data)

    def refute(self, demand: bytes, challenger: str = V1) -> None:
        """Refutes the explanation that stands; the block has until a new deadline for another."""
        made = self.view.demands[demand]
        about = {"author": made.responder, "challenger": challenger}
        deadline = self.now + PARAMETERS.answer_window
        where = _evaluation(made.position)
        self.emit(ev.ExplanationRefuted, block_id=made.block_id, **where, **about, deadline=deadline)

    def reopen(self, demand: bytes) -> None:
        """Ends an explanation for which nobody answers."""
        self.refute(demand, NOBODY)

    def expire(self, demand: bytes) -> None:
        """Takes note that a demand was not answered: its block is slashed; or the explanation that it is about is
        refuted, if that stands."""
        made = self.view.demands[demand]
        if made.position.explains:
            self.emit(ev.ExplanationExpired, block_id=made.block_id, **_evaluation(made.position))
            self.slash(made.block_id, made.demander, EvidenceKind.UNEXPLAINED, made.order)
            return
        self.emit(ev.DemandExpired, block_id=made.block_id, demand_id=demand, demander=made.demander)
        if made.position.explanation == ZERO:
            self.slash(made.block_id, made.demander, EvidenceKind.WITHHELD, made.order)
            return
        if self.view.blocks[made.block_id].vouched(made.position):
            explained = Position(Item.ROOTS, made.position.tree, made.position.index)
            self.refute(explained.demand_id(made.block_id), NOBODY)
        self.settle_demand(demand)

    def settle_demand(self, demand: bytes) -> None:
        """Pays a demand's fee."""
        made = self.view.demands[demand]
        block = self.view.blocks[made.block_id]
        paid = made.responder is not None and block.status is not Status.SLASHED
        paid = paid and block.answerable(made, PARAMETERS.answer_window)
        to = made.responder if paid else made.demander
        if made.position.explains:
            where = _evaluation(made.position)
            self.emit(ev.ExplanationSettled, block_id=made.block_id, **where, beneficiary=to, fee=FEE)
        else:
            self.emit(ev.DemandSettled, block_id=made.block_id, demand_id=demand, beneficiary=to, fee=FEE)
        if paid:
            fee = {"account": made.demander, "role": Role.VERIFIER, "beneficiary": to, "amount": FEE}
            self.emit(ev.Awarded, **fee)
        else:
            self.emit(ev.Unlocked, account=made.demander, role=Role.VERIFIER, amount=FEE)

    def reorg(self, to: int) -> None:
        """L1 forgets everything above block ``to``."""
        self.l1_block += 1
        self.history.update(to, [], self.l1_block, self.now)


def _evaluation(position: Position) -> dict[str, Any]:
    return {"tree": position.tree, "sample": position.index}


def verifier(me: str = V1, *verdicts: Verdict, answers: tuple[tuple[bytes, Position], ...] = ()) -> Verifier:
    """What a verifier knows that came to these verdicts and computed these answers."""
    computed = {(block, position): answer_of(position) for block, position in answers}
    return Verifier(me, {v.block_id: v for v in verdicts}, computed)


def join(name: str) -> None:
    """Waits for the background threads of that name."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join()
