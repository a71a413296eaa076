"""How an agent begins on a node that has pruned old logs: from the finalized tip, as if it had read all before.

source.py     Joining: every event since the deployment if the node has them, else what follows
from_tip.py   the events since the finalized tip was proposed, behind made-up ones that say what was before
ancestors.py  final blocks below the tip: headers from a store, by their ids, and the rest from the registry
places.py     where on L1 something happened, by its time

Nobody is trusted for it but the node: a header has the id that the one above names, and the first one's is the
registry's finalized tip.
"""

from __future__ import annotations

from .source import Joining

__all__ = ["Joining"]
