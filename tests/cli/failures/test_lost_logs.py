"""A node that lost logs is named by whoever reads all of them, and not believed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pol_oracle.fixtures.l1 import L1
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.events.logs import decode
from pol_oracle.l1.events.typed import BlockFinalized, HeadChanged
from pol_oracle.l1.node.answers import log_of
from pol_oracle.soak.network.lies import Lie, Question, Reply, honestly, refuse, result
from pol_oracle.soak.network.proxy import LyingProxy
from pol_oracle.watch.observer import Observer
from tests.cli.conftest import Pol
from tests.cli.finality import finalize_one


@pytest.fixture
def node(l1: L1) -> Iterator[LyingProxy]:
    """A node before a network with a final block."""
    finalize_one(l1)
    with LyingProxy(l1.client.rpc.url) as proxy:
        yield proxy


def without(event: type) -> Lie:
    """Tells of all logs but those of one event."""

    def some(asked: Question) -> Reply:
        found = asked.pass_on(asked.method, asked.params)["result"]
        return result([entry for entry in found if type(decode(log_of(entry, 0))) is not event])

    return some


def forgetful(asked: Question) -> Reply:
    """Knows the newest state alone."""
    return honestly(asked) if "latest" in asked.params else refuse(-32000, "missing trie node")(asked)


@pytest.mark.parametrize("event", [BlockFinalized, HeadChanged])
@pytest.mark.parametrize("words", [("status",), ("blocks", "list"), ("blocks", "show", "head")], ids=" ".join)
def test_pitfall_26_lost_logs_are_named_and_what_they_come_to_is_not_shown(
    pol: Pol, node: LyingProxy, event: type, words: tuple[str, ...]
) -> None:
    """It showed height 70 as final where L1 said 72."""
    assert pol("--rpc", node.url, *words).code == 0
    node.lie(without(event), "eth_getLogs")
    said = pol("--rpc", node.url, *words)
    assert (said.code, said.out) == (1, "")
    assert "its logs do not add up to what its contracts say" in said.sentence


def test_pitfall_26_a_table_says_that_logs_are_missing_and_reads_them_again(
    node: LyingProxy, deployed: Deployment
) -> None:
    observer = Observer(Client.connect(node.url, deployed), deployed)
    with node.lying(without(BlockFinalized), "eth_getLogs"):
        observer.look()
        assert observer.trouble is not None
        assert "do not add up" in observer.trouble
    observer.look()
    assert observer.trouble is None
    assert observer.view.finalized_tip == observer.view.head


def test_a_node_without_states_of_older_blocks_is_believed(pol: Pol, node: LyingProxy, deployed: Deployment) -> None:
    """An Anvil that was just started again has none either."""
    node.lie(forgetful, "eth_call")
    assert pol("--rpc", node.url, "blocks", "list").code == 0
    observer = Observer(Client.connect(node.url, deployed), deployed)
    observer.look()
    assert observer.trouble is None
    assert len(observer.view.blocks) > 1
