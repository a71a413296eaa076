"""A devnet that mines on demand goes on while agents wait; another L1 is left alone."""

from __future__ import annotations

from dataclasses import dataclass

from pol_oracle.l1.client import Client
from pol_oracle.l1.devnet.automine import Pulse


@dataclass
class Clock:
    """Seconds that pass when told."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_block_is_made_when_none_was_for_a_while(client: Client) -> None:
    clock, before = Clock(), client.latest().number
    pulse = Pulse(client, clock)
    for _ in range(10):  # five seconds
        clock.now += 0.5
        pulse.beat(client.latest().number)
    assert client.latest().number - before == 2


def test_an_l1_with_a_pace_of_its_own_is_asked_ever_more_rarely(client: Client) -> None:
    client.rpc.request("evm_setAutomine", False)
    clock, asked = Clock(), list[str]()
    request = client.rpc.request

    def counted(method: str, *arguments: object) -> object:
        asked.append(method)
        return request(method, *arguments)

    client.rpc.request = counted  # type: ignore[method-assign]
    pulse = Pulse(client, clock)
    for _ in range(200):
        clock.now += 0.5
        pulse.beat(7)
    assert set(asked) == {"anvil_getAutomine"}
    assert len(asked) <= 7
