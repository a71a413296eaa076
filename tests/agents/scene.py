"""A stage for agents: made-up L1 events, folded into a view as they are written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pol_oracle.agents.blocks import dispute_id
from pol_oracle.agents.decide import Policy, Verifier
from pol_oracle.agents.verdicts import Challenge, Unserved, Verdict
from pol_oracle.agents.view import History, View
from pol_oracle.bench import l1
from pol_oracle.chain import events as ev
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Outcome, Role, Status

ETH = 10**18
TASK = keccak(b"task")
GENESIS = keccak(b"genesis")
MINER, CHEAT, V1, V2, V3 = ("0x" + f"{n:02x}" * 20 for n in range(0x11, 0x16))
PARAMETERS = replace(l1.PARAMETERS, difficulty_bits=4)
POLICY = Policy(stagger=6, grace=6, attempts=3)


def seal(block_id: bytes, kind: EvidenceKind, evidence: object) -> Challenge:
    """A commitment anybody can see through; enough to test decisions."""
    return Challenge(keccak(block_id + bytes([kind])), keccak(b"salt" + block_id))


class Scene:
    """L1 in the small. Time and L1 blocks only move with :meth:`wait`."""

    def __init__(self, verifiers: tuple[str, ...] = (V1, V2, V3), start: int = 1000) -> None:
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
        pre, post, trace, evaluation = (keccak(bytes([n, nonce]) + parent + bytes.fromhex(miner[2:])) for n in range(4))
        return Header(parent, miner, nonce, (1, 2, 3, 4), pre, post, trace, evaluation, correct - 1, correct)

    def propose(self, parent: bytes = GENESIS, miner: str = MINER, nonce: int = 0, correct: int = 100) -> bytes:
        """Proposes a block and, if it has most work, makes it the head."""
        header = self.header(parent, miner, nonce, correct)
        block_id = header.id(TASK)
        height = self.view.blocks[parent].height + 1
        names = {"block_id": block_id, "parent": parent, "miner": miner}
        self.emit(ev.BlockProposed, **names, height=height, bits=PARAMETERS.difficulty_bits, header=header)
        self.emit(ev.Locked, account=miner, role=Role.MINER, amount=PARAMETERS.miner_bond)
        if self.view.blocks[block_id].total_work > self.view.blocks[self.view.head].total_work:
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

    def slash(self, block_id: bytes, winner: str = V1, kind: EvidenceKind = EvidenceKind.REQUIREMENT) -> None:
        """Slashes a block; a head above it falls back to its parent."""
        block = self.view.blocks[block_id]
        self.emit(ev.BountyAssigned, block_id=block_id, challenger=winner, order=1)
        fallen = block_id in {b.id for b in self.view.branch(self.view.head)}
        self.emit(ev.BlockSlashed, block_id=block_id, miner=block.miner, kind=kind)
        if fallen:
            parent = self.view.blocks[block.parent]
            self.emit(ev.HeadChanged, block_id=parent.id, total_work=parent.total_work)

    def orphan(self, block_id: bytes) -> None:
        miner = self.view.blocks[block_id].miner
        self.emit(ev.BlockOrphaned, block_id=block_id, miner=miner)
        self.emit(ev.Unlocked, account=miner, role=Role.MINER, amount=PARAMETERS.miner_bond)

    def settle(self, block_id: bytes, verifier: str) -> None:
        status = self.view.blocks[block_id].status
        bond = PARAMETERS.attest_bond
        loss = bond if status is Status.SLASHED else 0
        self.emit(ev.AttestationSettled, block_id=block_id, verifier=verifier, outcome=status, reward=0, loss=loss)
        self.emit(ev.Unlocked, account=verifier, role=Role.VERIFIER, amount=bond)

    def commit(self, challenger: str, commitment: bytes, order: int = 1) -> None:
        self.emit(ev.ChallengeCommitted, challenger=challenger, commitment=commitment, order=order)

    def dispute(self, block_id: bytes, kind: EvidenceKind = EvidenceKind.STEP, challenger: str = V1) -> bytes:
        deadline = self.now + PARAMETERS.vote_window
        self.emit(ev.DisputeOpened, block_id=block_id, kind=kind, challenger=challenger, deadline=deadline)
        self.emit(ev.Locked, account=challenger, role=Role.VERIFIER, amount=PARAMETERS.challenge_bond)
        return dispute_id(block_id, kind)

    def vote(self, dispute: bytes, guilty: bool, *verifiers: str) -> None:
        for verifier in verifiers:
            weight = self.view.bond(verifier, Role.VERIFIER).total
            self.emit(ev.Voted, dispute_id=dispute, verifier=verifier, guilty=guilty, weight=weight)

    def settle_dispute(self, block_id: bytes, kind: EvidenceKind, outcome: Outcome) -> None:
        self.emit(ev.DisputeSettled, block_id=block_id, kind=kind, outcome=outcome)

    def reorg(self, to: int) -> None:
        """L1 forgets everything above block ``to``."""
        self.l1_block += 1
        self.history.update(to, [], self.l1_block, self.now)


def verifier(me: str = V1, *verdicts: Verdict, unserved: dict[bytes, Unserved] | None = None) -> Verifier:
    """What a verifier knows that came to these verdicts."""
    return Verifier(me, {v.block_id: v for v in verdicts}, unserved or {}, seal)
