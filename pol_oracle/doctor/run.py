"""All checks, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pol_oracle.advice import pol
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import ChainError
from pol_oracle.watch.agents import AgentStatus, read_agents
from pol_oracle.watch.observer import Observer

from . import l1, machine, network
from .findings import Finding, Grade, skipped

Look = Callable[[str], None]
"""Told what is looked at now."""


def examine(
    home: Path, rpc: str | None, deployment: Deployment | None, look: Look = lambda _: None
) -> Iterator[Finding]:
    """Yields what each check comes to, as soon as it is known.

    Args:
        home: the home folder.
        rpc: URL of L1's endpoint; None: nobody knows one.
        deployment: of the home folder; None: there is none.
        look: told what the next finding is about.
    """
    look("programs")
    yield machine.anvil()
    yield machine.contracts()
    yield machine.solc()
    yield machine.disk(home)
    look("the arithmetic: its self-test")
    yield machine.arithmetic()
    look("L1")
    if rpc is None:
        yield Finding("RPC", Grade.WARNING, "no L1 is known", f"{pol('up')} makes a network; --rpc names another L1")
        return
    found, client = l1.connection(rpc, deployment)
    yield from found
    if client is None:
        return
    try:
        yield from _on_l1(client, deployment, read_agents(home / "agents"), look)
    except ChainError as error:
        yield Finding("RPC", Grade.BAD, f"L1 went away meanwhile: {error}", "run it again")


def _on_l1(
    client: Client, deployment: Deployment | None, agents: Sequence[AgentStatus], look: Look
) -> Iterator[Finding]:
    now = time.time()
    yield l1.hardfork(client)
    yield l1.pace(client, deployment, now)
    yield l1.clock(client.latest(), now)
    if deployment is None:
        yield skipped("network", f"nothing is deployed in this home folder: {pol('up')}, or {pol('deploy')}")
        return
    look("the network: its history")
    observer = Observer(client, deployment)
    observer.look()
    yield network.quorum(observer.view, deployment)
    yield from network.bonds(observer.view, deployment, agents)
    look("the network: accounts")
    price = network.price_of(client)
    yield from network.gas_money(client, agents, price) if isinstance(price, int) else [price]
    look("the network: stores")
    yield from network.stores(deployment)
    yield from network.health(agents)
