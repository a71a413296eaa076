"""Whatever happened on L1: a joiner's view against that of somebody who read everything."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.lifecycle import Role, Status
from tests.agents.joining.pruned import Joiner, PrunedL1, assert_same
from tests.agents.scene import CHEAT, MINER, ROOTS, V1, V2, V3

MINERS, VERIFIERS = (MINER, CHEAT), (V1, V2, V3)


class Player:
    """Plays what the contracts allow, as numbers say."""

    def __init__(self, l1: PrunedL1) -> None:
        self.l1, self.nonce = l1, 0

    def play(self, kind: int, which: int) -> None:
        moves = (self.propose, self.attest, self.finalize, self.slash, self.orphan, self.settle, self.demand, self.move)
        (*moves, self.reorg)[kind](which)
        if which % 3:
            self.l1.wait(which // 3)  # several L1 blocks a second, now and then

    def propose(self, which: int) -> None:
        live = list(self.l1.view.live)
        self.nonce += 1
        self.l1.propose(live[-1 - which % len(live)], MINERS[which % 2], self.nonce)

    def attest(self, which: int) -> None:
        pending = [block for block in self.l1.view.live.values() if block.status is Status.PENDING]
        for block in pending[which % 3 :]:
            if (verifier := VERIFIERS[which % 3]) not in block.attestations:
                self.l1.attest(block.id, verifier)

    def finalize(self, which: int) -> None:
        branch = list(self.l1.view.branch(self.l1.view.head))
        if branch and not branch[-1].open_demands:
            self.l1.finalize(branch[-1].id)

    def slash(self, which: int) -> None:
        pending = self.l1.view.pending
        if pending and which % 4 == 0:
            self.l1.slash(pending[which % len(pending)].id, V2)

    def orphan(self, which: int) -> None:
        dead = [b for b in self.l1.view.pending if b.id not in self.l1.view.live and not b.open_demands]
        if dead:
            self.l1.orphan(dead[0].id)

    def settle(self, which: int) -> None:
        for block in self.l1.view.unsettled:
            for verifier, made in block.attestations.items():
                if not made.settled and VERIFIERS[which % 3] == verifier:
                    self.l1.settle(block.id, verifier)

    def demand(self, which: int) -> None:
        for block in self.l1.view.pending[which % 4 :][:1]:
            if ROOTS not in block.demands:
                self.l1.demand(block.id, ROOTS, V3)
            elif block.demands[ROOTS].open:
                self.l1.answer(ROOTS.demand_id(block.id))

    def move(self, which: int) -> None:
        account = (*VERIFIERS, MINER, CHEAT)[which % 5]
        kind = (ev.Deposited, ev.Unbonded)[which % 2]
        self.l1.emit(kind, account=account, role=Role.VERIFIER, amount=1 + which)

    def reorg(self, which: int) -> None:
        """As far back as may be, if it takes nothing from what the node shows."""
        if which:
            self.l1.reorg(max(self.l1.l1_block - 1 - which, self.l1.node.kept))
            self.l1.prune()


MOVES = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 11)), min_size=10, max_size=60)


@settings(max_examples=60)
@given(MOVES, MOVES, st.sampled_from(VERIFIERS), st.sampled_from([0, 7, 25, 45]))
def test_whatever_happened_the_view_is_that_of_who_read_everything(
    before: list[tuple[int, int]], after: list[tuple[int, int]], me: str, earlier: int
) -> None:
    l1 = PrunedL1(earlier)
    player = Player(l1)
    for move in before:
        player.play(*move)
    l1.wait()
    l1.prune()
    joiner = Joiner(l1, me)
    assert_same(joiner.view(), l1.full(), me)
    for move in after:
        player.play(*move)
        l1.wait()
        assert_same(joiner.view(), l1.full(), me)
