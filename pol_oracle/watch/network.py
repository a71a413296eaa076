"""From what L1 says and agents say of themselves to the table, with the reason for waiting in each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pol_oracle.agents.monitoring.waiting import block_wait, miner_wait, network_wait, verifier_wait
from pol_oracle.agents.rules.policy import Policy
from pol_oracle.l1.events.typed import Event
from pol_oracle.protocol.difficulty import to_bits
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.report.ledger import Unit, kind_name, ledger, totals
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView

from .agents import AgentStatus
from .events import WEI
from .snapshot import PartyRow, Snapshot, newest_blocks

SHOWN_PARTIES = 20


@dataclass(frozen=True)
class NetworkState:
    """A network at one moment.

    Attributes:
        view: the confirmed events.
        events: the same, one by one.
        parameters: of the deployment.
        test_count: |E|.
        now: L1 time in seconds.
        agents: of this machine.
        names: address -> name of accounts that have no agent here.
        parts: name -> what an agent does, where its role does not tell.
        ended: name -> last words of an agent's process that ended by itself.
        trouble: what is wrong with L1, if anything.
    """

    view: View
    events: Sequence[Event]
    parameters: Parameters
    test_count: int
    now: float
    agents: Sequence[AgentStatus] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    ended: Mapping[str, str] = field(default_factory=dict)
    trouble: str | None = None

    @property
    def all_names(self) -> dict[str, str]:
        """Address -> name, of all that have one; what the agents call themselves wins."""
        return dict(self.names) | {agent.address: agent.name for agent in self.agents}

    def snapshot(self) -> Snapshot:
        """Draws up the table."""
        view, names = self.view, self.all_names
        head, final = view.blocks[view.head], view.blocks[view.finalized_tip]
        bits = to_bits(view.child_difficulty(view.head, self.parameters))
        title = f"height {head.height}, {final.height} final, {bits:g} bits, L1 block {view.l1_block}"
        blocks = newest_blocks(
            view,
            {b.miner: short(b.miner) for b in view.blocks.values()} | _shortened(view) | names,
            self.test_count,
            lambda block: block_wait(view, block, self.parameters, self.now),
        )
        alarms = [self.trouble] if self.trouble else []
        if (wait := network_wait(view, self.parameters)) is not None:
            alarms.append(str(wait))
        return Snapshot(title, tuple(self._parties(names)), blocks, tuple(alarms))

    def _parties(self, names: Mapping[str, str]) -> list[PartyRow]:
        own = {(agent.address, agent.role): agent for agent in self.agents}
        bonds = self.view.bonds
        others = sorted((k for k in bonds if k not in own and bonds[k].total), key=lambda k: -bonds[k].total)
        known = sorted((k for k in own if k in bonds), key=lambda k: (k[1], own[k].name))
        learn = {address: net[Unit.LEARN] for address, net in totals(ledger(self.events)).items()}
        return [
            self._row(address, role, own.get((address, role)), names.get(address, short(address)), learn)
            for address, role in [*known, *others][:SHOWN_PARTIES]
        ]

    def _row(
        self, address: str, role: Role, agent: AgentStatus | None, name: str, learn: Mapping[str, int]
    ) -> PartyRow:
        part = self.parts.get(name, role.name.lower())
        now, alarm = self._doing(address, role, agent)
        return PartyRow(
            name=name,
            part=part,
            style="red" if alarm else "yellow" if name in self.parts else "green" if agent and agent.alive else "",
            bond=f"{self.view.bond(address, role).total / WEI:g}",
            learn=f"{learn.get(address, 0) / WEI:g}" if role is Role.MINER or not self._mines(address) else "",
            story=_story(self.view, address, role),
            now=now,
            alarm=alarm,
        )

    def _mines(self, address: str) -> bool:
        return self.view.bond(address, Role.MINER).total > 0

    def _doing(self, address: str, role: Role, agent: AgentStatus | None) -> tuple[str, bool]:
        """What a party does or waits for, and whether a person has to do something."""
        if agent is not None and agent.name in self.ended:
            return f"its process ended: {self.ended[agent.name]}", True
        if agent is not None and agent.stopped:
            return "stopped", False
        if agent is not None and not agent.alive:
            return "its process was killed; start it again", True
        if role is Role.MINER:
            wait = miner_wait(self.view, address, self.parameters, self.now)
        else:
            wait = verifier_wait(self.view, address, self.parameters, Policy())
        if wait is not None:
            return wait.text, False
        return (_working(self.view, agent) if agent is not None else self._seen(address, role)), False

    def _seen(self, address: str, role: Role) -> str:
        """When somebody else's agent was last heard of."""
        if role is Role.MINER:
            times = [b.proposed_at for b in self.view.blocks.values() if b.miner == address]
        else:
            all_of = [b.attestations.get(address) for b in self.view.blocks.values()]
            times = [attestation.since for attestation in all_of if attestation is not None]
        did = "proposed" if role is Role.MINER else "attested"
        return f"last {did} {max(0, self.now - max(times)):.0f} s ago" if times else f"has not {did} yet"


def short(address: str) -> str:
    """Returns an address as far as people read it."""
    return f"{address[:6]}…{address[-4:]}"


def _shortened(view: View) -> dict[str, str]:
    return {address: short(address) for address, _ in view.bonds}


def _story(view: View, address: str, role: Role) -> str:
    """What became of a party's blocks or attestations."""
    if role is Role.VERIFIER:
        given = [(b, b.attestations[address]) for b in view.blocks.values() if address in b.attestations]
        wrong = sum(block.status is Status.SLASHED for block, _ in given)
        return f"{len(given)} attested" + (f", {wrong} of them wrong" if wrong else "")
    mine = [b for b in view.blocks.values() if b.miner == address and b.header]
    parts = [f"{len(mine)} proposed", f"{_number(mine, Status.FINALIZED)} final"]
    if slashed := [b for b in mine if b.slashed_for is not None]:
        kinds = ", ".join(dict.fromkeys(kind_name(b.slashed_for) for b in slashed if b.slashed_for is not None))
        parts.append(f"{len(slashed)} slashed for {kinds}")
    if orphaned := _number(mine, Status.ORPHANED):
        parts.append(f"{orphaned} orphaned")
    return ", ".join(parts)


def _number(blocks: Sequence[BlockView], status: Status) -> int:
    return sum(block.status is status for block in blocks)


def _working(view: View, agent: AgentStatus) -> str:
    """What an agent says that it does."""
    facts = agent.facts
    if waiting := facts.get("waiting"):
        return "; ".join(waiting)
    if agent.role is Role.VERIFIER:
        return _replaying(view, facts.get("replaying"), facts.get("to_replay"))
    mining = facts.get("mining")
    if mining is None:
        return "starting" if "searching_on" not in facts else "proposing"
    if mining["segment_step"] < mining["segment_steps"]:
        return f"training, step {mining['segment_step']} of {mining['segment_steps']}"
    if mining["expected_s"] is None:
        return "waiting for its search to begin"
    return f"searching: a hit every {mining['expected_s']:,.1f} s at {mining['tries_per_s']:,.0f} tries/s"


def _replaying(view: View, block_id: str | None, number: int | None) -> str:
    if block_id is None:
        return "up to date, waiting for the next block"
    block = view.blocks.get(bytes.fromhex(block_id))
    more = f", {number} more to replay" if number else ""
    return f"replaying block {block.height if block else block_id[:8]}{more}"
