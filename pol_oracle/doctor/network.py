"""The deployment, bonds and stores, and how the agents of this machine fare."""

from __future__ import annotations

from collections.abc import Sequence

from pol_oracle.advice import pol
from pol_oracle.agents.monitoring.waiting import WEI, deposit_command, network_wait
from pol_oracle.agents.rules.policy import Policy
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import ChainError, PolError
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.store import StateStore
from pol_oracle.view import View
from pol_oracle.watch.agents import AgentStatus

from .findings import Finding, Grade, good, skipped

DEAREST_GAS = 16_777_216  # of one transaction: the dearest proof needs less
_LEAST_MOVING = 0.8
_RATES = 0.5, 2.0


def quorum(view: View, deployment: Deployment) -> Finding:
    """Whether enough verifiers are bonded for a block to become final."""
    parameters = deployment.parameters
    wait = network_wait(view, parameters)
    if wait is not None:
        return Finding("quorum", Grade.BAD, wait.text, wait.remedy)
    bonded = len(view.verifiers(parameters.attest_bond))
    return good("quorum", f"{bonded} verifiers are bonded, {parameters.quorum} must attest")


def bonds(view: View, deployment: Deployment, agents: Sequence[AgentStatus]) -> list[Finding]:
    """Whether each agent of this machine has the bond for the dearest thing it may have to do."""
    parameters = deployment.parameters
    if not agents:
        return [skipped("bonds", "no agent has run in this home folder")]
    found = []
    for agent in agents:
        needed = parameters.miner_bond if agent.role is Role.MINER else Policy().needed(parameters)
        bond = view.bond(agent.address, agent.role)
        name, text = f"bond of {agent.name}", f"{bond.total / WEI:g} ETH, its dearest duty takes {needed / WEI:g}"
        if bond.total >= needed:
            found.append(good(name, text))
            continue
        remedy = deposit_command(needed, agent.role, agent.address, deployment.chain_id)
        grade, text = (Grade.WARNING, f"{text}; it is stopped") if agent.stopped else (Grade.BAD, text)
        found.append(Finding(name, grade, text, remedy))
    return found


def gas_money(client: Client, agents: Sequence[AgentStatus], price: int) -> list[Finding]:
    """Whether each agent could pay for the largest transaction.

    Args:
        client: connected.
        agents: of this machine.
        price: of gas, in wei.
    """
    found = []
    for address, names in _accounts(agents).items():
        have, needed = client.balance(address), DEAREST_GAS * price
        name, text = (
            f"gas of {names}",
            f"{have / WEI:,.4g} ETH beside its bond, a proof takes {needed / WEI:.2g} at most",
        )
        remedy = f"send it some ETH: {address} ({pol('devnet fund')} on a devnet)"
        found.append(good(name, text) if have >= needed else Finding(name, Grade.BAD, text, remedy))
    return found


def stores(deployment: Deployment) -> list[Finding]:
    """Whether the deployment's stores answer, and hold the state it began with."""
    found = []
    for url in deployment.store:
        try:
            store = StateStore([url])
            held = store.has(deployment.task.initial_root) or bool(store.roots())
        except PolError as error:
            found.append(
                Finding("store", Grade.BAD, str(error), "agents compute what they miss; mend it for latecomers")
            )
            continue
        place = store.places[0]
        if held:
            found.append(good("store", f"{place} holds states"))
        else:
            remedy = "whoever joins late replays from genesis; verifiers fill it, once a block is final"
            found.append(Finding("store", Grade.WARNING, f"{place} holds no state, or does not answer", remedy))
    return found


def health(agents: Sequence[AgentStatus]) -> list[Finding]:
    """Whether the network that the miners here train is well: its weights move, and tries hit often enough."""
    mining = [(a.name, m) for a in agents if a.role is Role.MINER and (m := a.facts.get("mining"))]
    if not mining:
        return [skipped("weights that move", "no miner has run here"), skipped("hit rate", "no miner has run here")]
    return [finding for name, facts in mining for finding in (_moving(name, facts), _hits(name, facts))]


def _moving(name: str, facts: dict[str, float | None]) -> Finding:
    share, what = facts.get("moving_weights"), "weights that move"
    if share is None:
        return skipped(what, f"{name} has trained no segment of late")
    text = f"{100 * share:.0f} % of the eligible weights in segments of late ({name})"
    if share >= _LEAST_MOVING:
        return good(what, text)
    remedy = f"the network is dying: begin anew with a lower learning_rate ({pol('deploy --from-state')})"
    return Finding(what, Grade.WARNING, text, remedy)


def _hits(name: str, facts: dict[str, float | None]) -> Finding:
    rate = facts.get("hit_rate")
    if rate is None:
        return skipped("hit rate", f"{name} has tried nothing of late")
    text = f"{rate:.2f} times 2^-b ({name})"
    least, most = _RATES
    if least <= rate <= most:
        return good("hit rate", text)
    remedy = f"few tries tell little; if it lasts, compare this miner's torch: {pol('bench search --only hits')}"
    return Finding("hit rate", Grade.WARNING, text, remedy)


def _accounts(agents: Sequence[AgentStatus]) -> dict[str, str]:
    """Address -> names of its agents."""
    found: dict[str, str] = {}
    for agent in agents:
        found[agent.address] = f"{found[agent.address]}, {agent.name}" if agent.address in found else agent.name
    return found


def price_of(client: Client) -> Finding | int:
    """What gas costs now, in wei; a finding if L1 does not say."""
    try:
        base, tips = client.fee_history(1, 50)
    except ChainError as error:
        return Finding("gas price", Grade.WARNING, str(error), "ask another node with --rpc")
    return base + max(tips, default=0)
