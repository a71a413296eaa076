"""What L1 says: events folded into the tree of blocks, their lives, demands and bonds. Pure: no clock, no RPC.

view.py       the fold: one confirmed event after the other
history.py    the events and their view, with roll-backs
blocks.py     the parts of a view
disputes.py   demands and explanations, a part of the fold
lineage.py    what lies below a block
"""

from __future__ import annotations

from .history import History
from .view import View

__all__ = ["History", "View"]
