"""What torchrun loads of this package before it starts ranks, so that Ctrl-C ends ours without its traceback.

torchrun raises each signal it gets as an exception, and nothing catches that one. The only code of others that it loads
is its plugins of where ranks meet (the entry points ``torchrun.handlers``), so this is one: it adds no meeting place
of its own beyond torch's usual one.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

OURS = ("pol", "pol_oracle.cli")


def plugin() -> Callable[..., Any]:
    """Makes a signal the last line, where torchrun runs ``pol``; others' ranks end as they always do.

    Returns:
        What makes a rendezvous of torch's own kind: ``--rdzv-backend pol`` is ``c10d``.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.rendezvous.registry import _create_c10d_handler

    if _runs_pol(sys.argv[1:]):
        sys.excepthook = _hook(SignalException, sys.excepthook)
    return _create_c10d_handler


def _runs_pol(words: Sequence[str]) -> bool:
    return any(Path(word).name in OURS for word in words)


def _hook(kind: type[BaseException], usual: Callable[..., Any]) -> Callable[..., Any]:
    def hook(raised: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if not isinstance(error, kind):
            usual(raised, error, traceback)
            return
        number = getattr(error, "sigval", 0)
        sys.stderr.write(f"torchrun ended its ranks after {signal.Signals(number).name}\n")

    return hook
