"""A network whose agents sit behind a node that lags, drops, lies, repeats and rewrites, at random from a seed."""

from __future__ import annotations

import pytest
import rlp
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.sending.fees import CAPS
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.soak.network.proxy import LyingProxy
from tests.e2e.stage import STAKE, Stage, boast


@pytest.mark.parametrize("seed", range(2))
def test_a_network_behind_a_lying_node_finalizes_and_slashes(
    stage: Stage, accounts: list[LocalAccount], anvil: str, seed: int
) -> None:
    honest, cheat, *verifiers = accounts[1:6]
    with LyingProxy(anvil, seed) as proxy:
        stage.rpc = proxy.url
        for account in verifiers:
            stage.verifier(account, stage.against(cheat))
        stage.miner(honest, blocks=2, replay=stage.against(cheat))
        stage.miner(cheat, blocks=1, forge=boast)
        proxy.go_wild(rate=0.02)
        stage.rounds(40)
        assert len(proxy.told) > 5, "it lied"
        proxy.honest()

        def done() -> bool:
            statuses = stage.statuses()
            return Status.SLASHED in statuses and statuses.count(Status.FINALIZED) >= 2

        stage.until(done)
        stage.rounds(20, seconds=4)  # what was deferred is settled
        sent = [rlp.decode(bytes.fromhex(raw[4:])) for raw in proxy.sent]
    for account, role in [(honest, Role.MINER), *((verifier, Role.VERIFIER) for verifier in verifiers)]:
        bond = stage.client.bond(account.address, role)
        assert bond.free + bond.locked == STAKE, "nothing honest lost anything"
    prices = [int.from_bytes(fields[3], "big") * int.from_bytes(fields[4], "big") for fields in sent]
    assert max(prices) <= max(CAPS.values())
