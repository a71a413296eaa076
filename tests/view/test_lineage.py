"""What lies below a block is shared by all that stand on it."""

from __future__ import annotations

from pol_oracle.view.lineage import Chain, Lineage
from tests.agents.scene import CHEAT, Scene


def test_a_chain_reads_as_the_headers_from_the_first_block_on() -> None:
    scene = Scene()
    headers = [scene.header(nonce=nonce) for nonce in range(4)]
    chain: Lineage = ()
    for header in headers:
        chain = Chain(chain, header)

    assert (list(chain), list(reversed(chain)), len(chain)) == (headers, headers[::-1], 4)
    assert [chain[at] for at in (0, 2, 3, -1, -4)] == [headers[at] for at in (0, 2, 3, -1, -4)]
    assert chain[1:3] == tuple(headers[1:3])
    assert chain == Chain(tuple(headers[:3]), headers[3])
    assert chain != Chain(tuple(headers[:3]), headers[2])


def test_what_lies_below_a_block_is_asked_for_each_turn_and_costs_nothing_however_long_the_chain() -> None:
    """It was collected anew each time: a second a turn after some hundred thousand blocks."""
    scene = Scene()
    tip = scene.chain(3)[-1]
    below = scene.view.lineage(tip)
    above = [scene.view.lineage(scene.propose(tip, nonce=nonce, miner=CHEAT)) for nonce in range(2)]

    assert scene.view.lineage(tip) is below
    assert all(isinstance(chain, Chain) and chain._below is below for chain in above)


def test_a_very_long_chain_can_be_let_go_of() -> None:
    header = Scene().header()
    chain = Chain((), header)
    for _ in range(100_000):
        chain = Chain(chain, header)
    assert len(chain) == 100_001
    del chain  # a recursive release would end the process
