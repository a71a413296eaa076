"""What the network has learned: of a final block whose state is at hand."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import Status

from ..workshop import tools
from ..workshop.pool import Failed
from .book import Book
from .common import hex0x
from .findings import Learned, LearnedState, LearningFacts

CANDIDATES = 64  # final blocks whose states are looked for
NOTHING = (
    "No state of this chain is at hand. Miners keep them in a store: run the explorer where one is, or name it with "
    "--store"
)


def learning(book: Book, height: int | None) -> LearningFacts:
    """Returns what the network has learned at a height, or by now."""
    known = at_hand(book)
    if known is None:
        return LearningFacts(words="Looking for states", states=[], shown=None, learned=None)
    if isinstance(known, Failed) or not known:
        words = known.words if isinstance(known, Failed) else NOTHING
        return LearningFacts(words=words, states=[], shown=None, learned=None)
    states = list(known.values())
    shown = next((state for state in states if state.height == height), states[-1])
    found = book.workshop.answer(tools.learned, bytes.fromhex(shown.root[2:]))
    learned = found if isinstance(found, Learned) else None
    words = found.words if isinstance(found, Failed) else "" if learned else "The network is looking at the test set"
    return LearningFacts(words=words, states=states, shown=shown, learned=learned)


def at_hand(book: Book) -> dict[bytes, LearnedState] | Failed | None:
    """Returns the final blocks whose states are at hand by the states' roots, oldest first; None: they are sought."""
    final = {root: state for state, root in _final(book)}
    found = book.workshop.answer(tools.at_hand, tuple(final)) if final else ()
    if found is None or isinstance(found, Failed):
        return found
    return {root: final[root] for root in found}


def _final(book: Book) -> list[tuple[LearnedState, bytes]]:
    """The final blocks, evenly chosen, oldest first, with the root of each one's W'."""
    rows = [row for row in book.snapshot().trunk if row.status == Status.FINALIZED]
    step = max(1, len(rows) // CANDIDATES)
    found = []
    for row in rows[::-1][::step][:CANDIDATES][::-1]:
        root = book.reader.header(row.id).post_root
        found.append((LearnedState(height=row.height, block=hex0x(row.id), root=hex0x(root)), root))
    return found
