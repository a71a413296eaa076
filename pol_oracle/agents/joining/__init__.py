"""How an agent begins on a node that has pruned old logs: from a final block, as if it had read all before.

source.py      Joining: every event since the deployment if the node has them, else what follows
from_final.py  the events since a final block was proposed, behind made-up ones that say what was before
ancestors.py   final blocks below it: headers from a store, by their ids, and the rest from the registry
places.py      where on L1 something happened, by its time

It is the finalized tip, or one of up to two challenge windows before where the node has the logs of then. Nobody is
trusted for it but the node: a header has the id that the one above names, and the first one's is the registry's.
"""

from __future__ import annotations

from .source import Joining

__all__ = ["Joining"]
