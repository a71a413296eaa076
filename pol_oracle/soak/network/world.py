"""Carries the schedule out: what strikes whom, and what heals it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from pol_oracle.demo.cast import Party

from ..judging.verdict import BondOrder, UnexpectedExit
from ..schedule import Fault, FaultKind
from .agents import Agent, command_of, make_home, pol
from .cast import cheat
from .errands import Errands
from .l1 import TamperedL1
from .proxy import LyingProxy
from .saver import SaverOrders

LIES_RATE = 0.03  # of the requests that each lie is about
ECHO_S = 15.0  # in which who waited for what was away may still give up
KEPT = 8  # faults that are over
TRIES = 5  # of a cheat to bond, not counting those that an absent L1 spoils
_RESTART_S = 2.0


class World:
    """Agents, cheats and users, and L1 below them.

    Args:
        home: folder of the run; holds ``deployment.json``.
        data: folder of finished data sets.
        l1: of them all.
        seed: of what proxies say.
        say: told what happens.

    Attributes:
        agents: name -> honest agent.
        homes: name -> its home.
        cheats: who joined so far.
        endings: agents that ended by themselves.
        trouble: what else went wrong.
    """

    def __init__(self, home: Path, data: Path, l1: TamperedL1, seed: int, say: Callable[[str], None]) -> None:
        self._home, self._data, self._l1, self._seed, self._say = home, data, l1, seed, say
        self._stack = ExitStack()
        self._began = time.monotonic()
        self._proxies: dict[str, LyingProxy] = {}
        self._open: list[Fault] = []
        self._over: list[tuple[Fault, float]] = []  # the latest first, and when
        self._restart: dict[str, float] = {}
        self._errands = Errands(home)
        self._money: list[str] = []  # the command that moves money
        self._stack.callback(self._errands.close)
        self._crooks: dict[str, Agent] = {}
        self.agents: dict[str, Agent] = {}
        self.homes: dict[str, Path] = {}
        self.cheats: list[Party] = []
        self.endings: list[UnexpectedExit] = []
        self.trouble: list[str] = []
        self._saver = SaverOrders()
        self._saver_home = self._make_home(self._saver.saver.name)
        self._proxy(self._saver.saver.name).go_wild(LIES_RATE)

    def set_clock(self) -> None:
        """The schedule begins now."""
        self._began = time.monotonic()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @property
    def places(self) -> Mapping[str, Path]:
        """Folders that belong to no agent: the store, and Anvil's cache (its chain may grow)."""
        return {"store": self._home / "store", "anvil": self._l1.folder / "cache"}

    @property
    def orders(self) -> Sequence[BondOrder]:
        """What the saver asked for so far."""
        return self._saver.given

    @property
    def idle(self) -> bool:
        """No user waits for anything."""
        return self._errands.idle

    @property
    def told(self) -> Mapping[str, int]:
        """How many lies each proxy told."""
        return {name: proxy.told.total() for name, proxy in self._proxies.items()}

    def add(self, party: Party) -> None:
        """Starts an honest agent behind a proxy of its own."""
        home = self.homes[party.name] = self._make_home(party.name)
        agent = Agent(party.name, command_of(party, home, self._proxy(party.name).url))
        self._stack.callback(agent.close)
        self.agents[party.name] = agent
        agent.start()

    def begin(self, fault: Fault) -> None:
        """Lets something happen."""
        self._say(str(fault))
        self._open.append(fault)
        match fault.kind:
            case FaultKind.DOWN:
                self._l1.stop()
            case FaultKind.REORG:
                if why := self._l1.reorganise(fault.amount):
                    self._say(f"no reorg: {why}")
            case FaultKind.CLOCK:
                if why := self._l1.jump(fault.amount):
                    self._say(f"no jump: {why}")
            case FaultKind.CHEAT:
                self._join()
            case FaultKind.MONEY:
                self._move_money()
            case FaultKind.LIES:
                self._proxies[fault.target].go_wild(LIES_RATE)
            case _:
                self._strike(fault.kind, self.agents[fault.target])

    def heal(self, fault: Fault) -> None:
        """Puts in order what can be put in order."""
        self._open.remove(fault)
        self._over = [(fault, self.now), *self._over][:KEPT]
        match fault.kind:
            case FaultKind.DOWN:
                self._l1.start()
            case FaultKind.LIES:
                self._proxies[fault.target].honest()
            case FaultKind.KILL:
                self.agents[fault.target].start()
            case FaultKind.FREEZE:
                self.agents[fault.target].thaw()
            case FaultKind.MUTE:
                self.agents[fault.target].unmute()
            case FaultKind.DISK:
                self.agents[fault.target].free_disk()
            case FaultKind.MONEY if fault.amount:
                self._errands.kill(self._money)

    def heal_all(self) -> None:
        """Puts everything in order at once."""
        for fault in list(self._open):
            self.heal(fault)

    def turn(self) -> None:
        """Does what a supervisor does: what has ended is started again. Sees to users' commands."""
        for agent in (*self.agents.values(), *self._crooks.values()):
            self._supervise(agent)
        self._errands.turn()

    def retire(self, address: str) -> None:
        """A cheat has nothing left to lose."""
        if (crook := self._crooks.pop(address, None)) is not None:
            crook.kill()

    @property
    def cheating(self) -> frozenset[str]:
        """Addresses of the cheats that are at work."""
        return frozenset(self._crooks)

    def stop(self) -> None:
        """Asks all agents to end, and notes who does not."""
        busy = [agent for agent in self.agents.values() if agent.at_work]
        for agent in (*self.agents.values(), *self._crooks.values()):
            agent.ask_to_stop()
        for agent in busy:
            if (why := agent.stopped()) is not None:
                self.trouble.append(f"{agent.name}: {why}")

    def close(self) -> None:
        """Ends everything but L1."""
        self._stack.close()

    def _supervise(self, agent: Agent) -> None:
        name = agent.name
        if name in self._restart:
            if self.now >= self._restart[name]:
                del self._restart[name]
                agent.start()
        elif (how := agent.ended()) is not None:
            ending = UnexpectedExit(name, self.now, how, self._excuse(agent))
            if name in self.agents:
                self.endings.append(ending)
            self._say(f"{name} has ended: {how}" + (f" (in order: {ending.excused})" if ending.excused else ""))
            self._restart[name] = self.now + _RESTART_S

    def _strike(self, kind: FaultKind, agent: Agent) -> None:
        strikes = {
            FaultKind.KILL: agent.kill,
            FaultKind.FREEZE: agent.freeze,
            FaultKind.CLOSE: agent.close_terminal,
            FaultKind.MUTE: agent.mute,
            FaultKind.DISK: agent.fill_disk,
        }
        strikes[kind]()

    def _excuse(self, agent: Agent) -> str:
        """Why an agent may end now: it is not at work yet, and what it needs for that is not there."""
        if agent.at_work:
            return ""
        about = [f for f in self._felt() if f.kind is FaultKind.DOWN or f.target == agent.name]
        return f"at its start, {about[0]}" if about else ""

    def _felt(self) -> list[Fault]:
        """The faults of now, and those that are over but may still be felt."""
        return [*self._open, *(f for f, over in self._over if self.now - over < ECHO_S)]

    def _join(self) -> None:
        party = cheat(len(self.cheats))
        if party is None:
            return
        self.cheats.append(party)
        home = self._make_home(party.name)
        bond = ("bond", "deposit", "1", "--role", "miner", "--dev", str(party.dev))
        command, failed = pol(home, self._l1.rpc, *bond), Counter[str]()

        def bonded(code: int, words: str) -> None:
            if code:
                failed[words] += not any(f.kind is FaultKind.DOWN for f in self._felt())
                if failed.total() < TRIES:
                    self._errands.add(command, bonded)
                else:
                    self.trouble.append(f"{party.name} could not bond: {words}")
                return
            crook = Agent(party.name, command_of(party, home, self._l1.rpc))
            self._stack.callback(crook.close)
            self._crooks[party.address] = crook
            crook.start()

        self._errands.add(command, bonded)

    def _move_money(self) -> None:
        if (words := self._saver.words()) is None:
            return
        self._money = pol(self._saver_home, self._proxies[self._saver.saver.name].url, *words)
        self._errands.add(self._money, lambda code, said: self._say(self._saver.ended(code, said)))

    def _make_home(self, name: str) -> Path:
        return make_home(self._home / name, self._home / "deployment.json", self._data)

    def _proxy(self, name: str) -> LyingProxy:
        proxy = self._stack.enter_context(LyingProxy(self._l1.rpc, self._seed + len(self._proxies)))
        self._proxies[name] = proxy
        return proxy
