"""The status file: where the agent stands, and what it earned or lost and why, told from L1 events."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.types import Address
from pol_oracle.report.ledger import Entry, Ledger
from pol_oracle.view import History, View

from ..storage.memory import REFUSALS, RefusedCall

_INTERVAL_S = 2.0  # the file follows at most this often
_REST = 20  # times as long as it took to write it: what it tells grows with the chain
_ENTRIES = 1000  # newest ones of the ledger that it tells; its totals are of all


class Records:
    """Writes one agent's status file, atomically, whenever that can be done.

    Args:
        path: of the JSON file.
        name: of the agent.
        role: what it is bonded as.
        address: of its account.
        refusals: what L1 refused it in earlier lives.
    """

    def __init__(
        self, path: Path, name: str, role: Role, address: Address, refusals: Iterable[RefusedCall] = ()
    ) -> None:
        self._path = path
        self._name = name
        self.role = role
        self._address = address
        self._refusals = deque(refusals, REFUSALS)
        self._unwritten = 0  # in a row
        self._facts: dict[str, Any] = {}
        self._ledger = Ledger()
        self._next = 0.0
        self._log = structlog.get_logger("agent").bind(agent=name)

    def refused(self, refusal: RefusedCall) -> None:
        """Notes a call that L1 refused."""
        self._refusals.append(refusal)

    def note(self, **facts: Any) -> None:
        """Sets facts that only this agent knows, such as what it is working at."""
        self._facts |= facts

    def write(self, history: History, running: bool = True) -> None:
        """Writes the file, unless it was written a moment ago and the agent goes on. A full disk does not end it."""
        began = time.monotonic()
        if running and began < self._next:
            return
        try:
            self._replace(json.dumps(self._content(history, running), indent=1))
        except OSError as error:
            self._unwritten += 1
            if self._unwritten == 1:
                self._log.warning("the status file cannot be written", reason=str(error))
        else:
            if self._unwritten:
                self._log.info("the status file is written again", missed=self._unwritten)
            self._unwritten = 0
        now = time.monotonic()
        self._next = now + max(_INTERVAL_S, _REST * (now - began))

    def _replace(self, text: str) -> None:
        partial = self._path.with_name(f".{self._path.name}.new")  # what a killed process leaves is used again
        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(self._path)
        except OSError:
            with suppress(OSError):
                partial.unlink()
            raise

    def _content(self, history: History, running: bool) -> dict[str, Any]:
        view = history.view
        self._ledger.follow(history.events)
        mine = self._ledger.entries(self._address)
        return {
            "name": self._name,
            "role": self.role.name.lower(),
            "address": self._address,
            "pid": os.getpid(),
            "running": running,
            **_chain(view),
            "bond": vars(view.bond(self._address, self.role)),
            "credit": view.credits.get(self._address, 0),
            "totals": {unit.value: amount for unit, amount in self._ledger.totals(self._address).items()},
            "ledger": [_told(entry) for entry in mine[-_ENTRIES:]],
            "refused": [asdict(r) for r in self._refusals],
            **self._facts,
        }


def _told(entry: Entry) -> dict[str, Any]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(entry).items()}


def _chain(view: View) -> dict[str, Any]:
    return {
        "l1_block": view.l1_block,
        "l1_time": view.now,
        "head": view.head.hex(),
        "head_height": view.blocks[view.head].height,
        "finalized_height": view.blocks[view.finalized_tip].height,
        "pending": len(view.pending),
    }
