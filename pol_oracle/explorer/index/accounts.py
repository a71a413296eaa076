"""The tables of accounts: who had a part in what, money with its reasons, and what numbers came to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache

from pol_oracle.l1.events import typed as ev
from pol_oracle.report.ledger import Entry, ledger

from .numbers import changes, recorded
from .rows import event_of

_NAMES = frozenset(
    ("miner", "verifier", "challenger", "demander", "responder", "author", "account", "beneficiary", "prover", "first")
)
_CLASSES = {cls.__name__: cls for cls in ev.EVENTS}
_NEWEST = "SELECT total FROM moves WHERE account = ? AND number = ? ORDER BY l1_block DESC, log_index DESC LIMIT 1"


def take(db: sqlite3.Connection, events: Sequence[ev.Event]) -> None:
    """Takes in events that are in no table of accounts yet, in L1 order."""
    parties = [(account, *_place(event)) for event in events for account in _accounts(event)]
    db.executemany("INSERT INTO parties VALUES (?, ?, ?)", parties)
    entries = ledger([*_earlier(db, events), *events])
    rows = [
        (e.party, e.l1_block, e.log_index, e.unit.value, str(e.amount), e.reason, e.block_id, e.tx_hash, e.timestamp)
        for e in entries
    ]
    db.executemany("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    _add(db, events, entries)


def drop(db: sqlite3.Connection, above: int) -> None:
    """L1 blocks above this one are told anew: what came of them goes."""
    changed = db.execute("SELECT DISTINCT account, number FROM moves WHERE l1_block > ?", (above,)).fetchall()
    for table in ("parties", "ledger", "moves"):
        db.execute(f"DELETE FROM {table} WHERE l1_block > ?", (above,))
    for key in map(tuple, changed):
        found = db.execute(_NEWEST, key).fetchone()
        db.execute("DELETE FROM totals WHERE account = ? AND number = ?", key)
        if found is not None:
            db.execute("INSERT INTO totals VALUES (?, ?, ?)", (*key, found[0]))


def _add(db: sqlite3.Connection, events: Iterable[ev.Event], entries: Iterable[Entry]) -> None:
    made = [(_place(event), change) for event in events for change in changes(event)]
    made += [((entry.l1_block, entry.log_index), recorded(entry)) for entry in entries]
    totals: dict[tuple[str, str], int] = {}
    rows = []
    for place, (account, number, amount) in made:
        key = account, str(number)
        before = totals.get(key)
        total = totals[key] = amount + (_total(db, key) if before is None else before)
        rows.append((*key, *place, str(amount), str(total)))
    db.executemany("INSERT INTO moves VALUES (?, ?, ?, ?, ?, ?)", rows)
    db.executemany("INSERT OR REPLACE INTO totals VALUES (?, ?, ?)", [(*key, str(t)) for key, t in totals.items()])


def _total(db: sqlite3.Connection, key: tuple[str, str]) -> int:
    found = db.execute("SELECT total FROM totals WHERE account = ? AND number = ?", key).fetchone()
    return 0 if found is None else int(found[0])


def _earlier(db: sqlite3.Connection, events: Iterable[ev.Event]) -> Iterator[ev.Event]:
    """Events that the reasons refer to, of blocks that were proposed before."""
    told, named = set[bytes](), set[bytes]()
    for event in events:
        if isinstance(event, ev.BlockProposed):
            told.add(event.block_id)
        elif (block := getattr(event, "block_id", None)) is not None:
            named.add(block)
    wanted = "SELECT * FROM events WHERE block_id = ? AND kind IN ('BlockProposed', 'BlockSlashed')"
    for block_id in named - told:
        yield from map(event_of, db.execute(wanted, (block_id,)))


def _accounts(event: ev.Event) -> set[str]:
    """The accounts that have a part in an event."""
    return {value for name in _fields(type(event).__name__) if (value := getattr(event, name)) is not None}


@cache
def _fields(kind: str) -> list[str]:
    return [field.name for field in fields(_CLASSES[kind]) if field.name in _NAMES]


def _place(event: ev.Event) -> tuple[int, int]:
    return event.at.l1_block, event.at.log_index
