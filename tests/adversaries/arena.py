"""One cheating miner, one honest verifier, and nine colluders who attest to whatever the cheat proposes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_account.signers.local import LocalAccount

from pol_oracle.agents.miner import MinerLoop
from pol_oracle.agents.respond import call_of
from pol_oracle.agents.rules.actions import Demand, Explain, Reveal
from pol_oracle.agents.rules.verdicts import Answerer
from pol_oracle.agents.verifier import VerifierLoop
from pol_oracle.agents.work.answerer import HonestAnswerer
from pol_oracle.agents.work.follow import Ask, Follower
from pol_oracle.agents.work.replay import Replayer
from pol_oracle.evidence import Answer, answer_to
from pol_oracle.l1.sending.calls import Call
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY, from_bits
from pol_oracle.protocol.errors import Reverted, StoreError
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Item, MissingItem, Position
from pol_oracle.store import StateStore
from pol_oracle.task import Workload
from pol_oracle.view.blocks import BlockView, DemandView
from pol_oracle.view.lineage import Lineage
from tests.adversaries.books import Books
from tests.adversaries.forging import Forgery
from tests.e2e.stage import STAKE, Stage

DIFFICULTY = from_bits(2.5)  # two requirements, and three for two blocks in five
L1_BLOCKS = 3  # from a replay to the slash, if nothing is demanded and logs count at once
MOST_DEMANDS = 6  # about one block, however wrong it is; what was demanded of an explanation that fell comes on top
ROUNDS = 400  # for ResNet-18's windows and six confirmations a false explanation, walked down, takes 190 and more
Twist = Callable[[Answer], Answer]


def as_it_is(answer: Answer) -> Answer:
    """Answers with what was asked for."""
    return answer


@dataclass
class Arena:
    """The scene of one dispute.

    Attributes:
        stage: L1 with the real task's contracts.
        workload: the task.
        made: a right block of the cheat's, to start from.
        cheat: the cheating miner.
        honest: the only honest verifier.
        colluders: nine others, bonded too.
        known: how the honest verifier has followed the chain so far; None: it begins when it is opened.
        refused: custom errors with which the contracts refused the cheat's answers.
        books: the honest verifier's, of the latest dispute.
    """

    stage: Stage
    workload: Workload
    made: Forgery
    cheat: LocalAccount
    honest: LocalAccount
    colluders: list[LocalAccount]
    known: Follower | None = None
    refused: set[str] = field(default_factory=set)
    books: Books = field(init=False)

    def convicts(
        self,
        forgery: Forgery,
        *kinds: EvidenceKind,
        demands: int | None = None,
        twist: Twist = as_it_is,
        late: bool = False,
        accomplices: Sequence[Forgery] = (),
    ) -> BlockView:
        """Lets a forged block meet the honest verifier; checks that it is slashed in time, and who loses by it.

        Args:
            forgery: the block.
            kinds: what it may be slashed for.
            demands: how many demands that takes, if it is not left open.
            twist: what the cheat makes of its answers.
            late: it answers only when the time is up.
            accomplices: what colluders explain by, one after the other as explanations are refuted: the block with
                another lie each, or the cheat's.

        Returns:
            The block, slashed and settled.
        """
        verifier = self.watch()
        before = self._worth(self.honest)
        self.books = Books(self.stage.client, self.honest)
        cheat = self.mine(forgery, twist, late=late)
        block_id = forgery.id
        self.stage.until(lambda: block_id in verifier.view.blocks)
        for colluder in self.colluders:
            self.send(colluder, "PoLRegistry", "attest", block_id, ANY_DIFFICULTY)

        judged: list[int] = []  # L1 blocks in which the verifier has had its verdict, and the contracts have not
        client = self.stage.client

        def over() -> bool:
            self.books.turn()
            if block_id in verifier.verdicts and client.block_record(block_id).status is not Status.SLASHED:
                judged.append(client.latest().number)
            if late:
                self._too_late(verifier, forgery)
            block = verifier.view.blocks[block_id]
            self._explain_again(block, accomplices)
            punished = all(a.settled for a in block.attestations.values())
            return block.forfeited and punished and all(d.settled for d in block.demands.values())

        self.stage.until(over, limit=ROUNDS)
        answers = (call for call in cheat.context.memory.refusals() if call.key.startswith(("reveal:", "explain:")))
        self.refused |= {call.name for call in answers}

        block = verifier.view.blocks[block_id]
        assert block.slashed_for in kinds
        fallen = [d for d in block.demands.values() if not block.stands(d.position)]
        assert len(block.demands) - len(fallen) <= MOST_DEMANDS
        assert demands is None or len(block.demands) == demands
        self._in_time(block)
        if not block.demands:
            blocks = L1_BLOCKS + 2 * (self.stage.deployment.confirmations - 1)  # for replay and commitment to be deep
            assert len(judged) <= blocks
        assert self._worth(self.honest) > before
        for party, role, bond in [
            (self.cheat, Role.MINER, self._parameters.miner_bond),
            *((colluder, Role.VERIFIER, self._parameters.attest_bond) for colluder in self.colluders),
        ]:
            lost = bond + self.fell(block, party) * self._parameters.attest_bond
            assert verifier.view.bond(party.address, role).total == STAKE - lost
        return block

    def fell(self, block: BlockView, author: LocalAccount) -> bool:
        """Says whether somebody explained something of a block falsely, and lost a bond by it."""
        speaker = block.speakers.get(author.address)
        return speaker is not None and speaker.fallen

    def _explain_again(self, block: BlockView, accomplices: Sequence[Forgery]) -> None:
        """Once the cheat has fallen, accomplices explain after it, and show what is demanded of that."""
        pairs = zip(self.colluders, accomplices, strict=False)
        explaining = {str(author.address): (author, lie) for author, lie in pairs}
        silent = [one for address, one in explaining.items() if address not in block.speakers]
        for demand in block.open_demands:
            if demand.position.explains and silent and self.fell(block, self.cheat):
                self.answer(*silent[0], demand.position)
            elif demand.position.explanation != ZERO and block.vouched(demand.position):
                about = Position(Item.ROOTS, demand.position.tree, demand.position.index)
                author = block.demands[about].responder
                if author in explaining:
                    self.answer(*explaining[author], demand.position)

    @property
    def _parameters(self) -> Any:
        return self.stage.deployment.parameters

    def _in_time(self, block: BlockView) -> None:
        """It never could have been finalized: open demands and fresh answers hold a block after its window."""
        window = block.proposed_at + self._parameters.challenge_window
        held = self._parameters.answer_window
        until = [d.deadline + held if d.expired else (d.answered_at or 0) + held for d in block.demands.values()]
        assert block.closed_at is not None
        assert block.closed_at <= max([window, *until])

    def watch(self) -> VerifierLoop:
        """Opens the honest verifier, which follows the chain by itself."""
        follower = self.known or self.follower("honest")
        return self.stage.verifier(self.honest, Replayer(follower), HonestAnswerer(follower))

    def follower(self, name: str) -> Follower:
        """Somebody's own way of following the chain."""
        genesis = bytes.fromhex(self.stage.deployment.genesis_id[2:])
        return Follower(self.workload, genesis, StateStore([self.stage.folder / name]))

    def mine(
        self,
        forgery: Forgery,
        twist: Twist = as_it_is,
        *,
        late: bool = False,
        answer: Answerer | None = None,
    ) -> MinerLoop:
        """Opens the cheat, which proposes this block once, after those that it builds on.

        Args:
            forgery: the block.
            twist: what the cheat makes of its answers.
            late: it answers nothing by itself.
            answer: how it answers, if not as it committed.
        """
        chain = [forgery]
        while chain[0].below is not None:
            chain.insert(0, chain[0].below)
        own = {block.id: block for block in chain}

        def committed(block: BlockView, lineage: Lineage, position: Position, cancelled: Ask) -> Answer:
            if late or not own[block.id].answers:
                raise StoreError("it shows nothing")
            return twist(answer_to(position, self.workload.programs, own[block.id]))

        return self.stage.proposing(self.cheat, [block.header for block in chain], answer or committed)

    def _too_late(self, verifier: VerifierLoop, forgery: Forgery) -> None:
        """Tries to answer what is overdue: the contract must refuse it."""
        for demand in verifier.view.open_demands:
            if verifier.view.now >= demand.deadline:
                self._reveal(demand, forgery)

    def _reveal(self, demand: DemandView, forgery: Forgery) -> None:
        answer = answer_to(demand.position, self.workload.programs, forgery)
        call = self.answering(forgery, demand.position, answer, Role.MINER)
        client = self.stage.client
        try:
            client.simulate(call.request(client), self.cheat.address)
        except Reverted as error:
            self.refused.add(error.name)

    def answering(self, forgery: Forgery, position: Position, answer: Answer, role: Role) -> Call:
        """The call that gives an answer, or an explanation."""
        if position.explains:
            return call_of(Explain(forgery.id, forgery.header, position, answer, role, 0))
        return call_of(Reveal(forgery.id, forgery.header, position, answer))

    def answer(self, account: LocalAccount, forgery: Forgery, position: Position) -> None:
        """Has somebody answer a demand, or explain, as a forgery would have it."""
        call = self.answering(forgery, position, answer_to(position, self.workload.programs, forgery), Role.VERIFIER)
        self.send(account, call.contract, call.function, *call.args)

    def demand(self, account: LocalAccount, forgery: Forgery, position: Position) -> None:
        """Has somebody demand something of a forgery, or an explanation."""
        if position.explains:
            opening = forgery.bits_tree.open(position.index)
        else:
            opening = (self.workload.programs.open(position.tree, position.tensor).abi(),)
        call = call_of(Demand(forgery.id, forgery.header, MissingItem(position, opening)))
        self.send(account, call.contract, call.function, *call.args)

    def until_shown(self, forgery: Forgery, *positions: Position) -> None:
        """Waits until L1 shows all that."""
        view = self.stage.loops[0].view
        self.stage.until(lambda: view.blocks[forgery.id].shown.keys() >= set(positions))

    def _worth(self, account: LocalAccount) -> int:
        """Bond and credit of a verifier, in wei."""
        client = self.stage.client
        bond = client.bond(account.address, Role.VERIFIER)
        return bond.free + bond.locked + client.credit(account.address)

    def send(self, account: LocalAccount, contract: str, function: str, *arguments: Any) -> None:
        """Sends a transaction of an account that the devnet signs for."""
        self.send_data(account, contract, self.stage.client.request_for(contract, function, arguments).data)

    def send_data(self, account: LocalAccount, contract: str, data: bytes) -> None:
        """The same with calldata of the caller's own making."""
        target = self.stage.client.address_of(contract)
        fields = {"from": account.address, "to": target, "data": f"0x{data.hex()}"}
        self.stage.client.rpc.request("eth_sendTransaction", fields)
