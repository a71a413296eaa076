"""The L1 endpoint: chain, rules, pace and clock."""

from __future__ import annotations

from pol_oracle.advice import pol
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.node.rpc import Refusal
from pol_oracle.l1.records import L1Block
from pol_oracle.protocol.errors import ChainError, WrongChain

from .findings import Finding, Grade, good, skipped

# PUSH1 1, CLZ, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN: an instruction that came with Osaka
CLZ_OF_ONE = "0x60011e60005260206000f3"
_LOOKED_AT = 20  # L1 blocks
_QUIET_S = 60.0  # without an L1 block
_SLOWEST_SHARE = 10  # L1 blocks that a challenge window should hold at least
_CLOCK_S = 30.0  # between L1's clock and this machine's


def connection(rpc: str, deployment: Deployment | None) -> tuple[list[Finding], Client | None]:
    """Whether L1 answers, and is the deployment's chain.

    Args:
        rpc: URL of the endpoint.
        deployment: of the home folder; None: there is none.

    Returns:
        What was found, and a client of the endpoint if it is the right one.
    """
    try:
        client = Client.connect(rpc)
    except ChainError as error:
        remedy = f"start the devnet with {pol('devnet up')} (or all with {pol('up')}), or give the right --rpc"
        return [Finding("RPC", Grade.BAD, str(error), remedy)], None
    found = [good("RPC", f"{client.rpc.place} answers")]
    if deployment is None:
        return [*found, good("chain id", str(client.chain_id))], client
    try:
        client = Client.connect(rpc, deployment)
    except WrongChain as error:
        remedy = f"give the --rpc or the --home that belong together; on a devnet {pol('devnet reset')} begins anew"
        return [*found, Finding("chain id", Grade.BAD, str(error), remedy)], None
    except ChainError as error:
        return [*found, Finding("chain id", Grade.BAD, str(error), "ask another node with --rpc")], None
    return [*found, good("chain id", f"{client.chain_id}, and the contracts are there")], client


def hardfork(client: Client) -> Finding:
    """Whether L1 runs by the rules that the contracts are compiled for."""
    said = client.rpc.ask("eth_call", {"data": CLZ_OF_ONE}, "latest")
    if not isinstance(said, Refusal) and said == "0x" + f"{255:064x}":
        return good("hardfork", "Osaka or later")
    remedy = f"use an L1 with Osaka's rules; a devnet of {pol('devnet up')} has them"
    return Finding("hardfork", Grade.BAD, "older than Osaka, for which the contracts are compiled", remedy)


def pace(client: Client, deployment: Deployment | None, now: float) -> Finding:
    """Whether L1 makes blocks, and often enough for the deployment's windows.

    Args:
        client: connected.
        deployment: whose windows they are.
        now: this machine's time in seconds since 1970.
    """
    latest = client.latest()
    before = client.block(max(0, latest.number - _LOOKED_AT))
    if before is None or latest.number < 2:
        return skipped("block time", "L1 has hardly any block yet")
    took = (latest.timestamp - before.timestamp) / (latest.number - before.number)
    text = f"{took:.3g} s from L1 block to L1 block"
    if now - latest.timestamp > max(_QUIET_S, _LOOKED_AT * took):
        remedy = f"no clock runs meanwhile: start it with a block time ({pol('devnet up --block-time 1')}), or wait"
        return Finding("block time", Grade.WARNING, f"no L1 block for {now - latest.timestamp:,.0f} s", remedy)
    window = deployment.parameters.challenge_window if deployment is not None else 0
    if window and took * _SLOWEST_SHARE > window:
        remedy = "challenges may come too late: deploy with a longer challenge_window"
        return Finding("block time", Grade.WARNING, f"{text}, and a challenge window of {window} s", remedy)
    return good("block time", text)


def clock(latest: L1Block, now: float) -> Finding:
    """Whether L1's clock and this machine's agree; agents go by L1's alone."""
    ahead = latest.timestamp - now
    if ahead > _CLOCK_S:
        remedy = "set this machine's clock (NTP); a devnet whose time was moved is ahead for good, which does no harm"
        return Finding("clock", Grade.WARNING, f"L1 is {ahead:,.0f} s ahead of this machine", remedy)
    return good("clock", f"L1's newest block is {max(0, -ahead):,.0f} s old")
