"""Which benches there are. A bench is a set of parts; a part is a function that yields rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from pol_oracle.protocol.errors import InputError

from .format import BenchReport, Row, machine

Part = Callable[[Path], Iterable[Row]]

# bench -> part -> "module:function"; imported only when it runs. The function gets an empty scratch folder.
BENCHES: dict[str, dict[str, str]] = {
    "chain": {
        "gas": "pol_oracle.bench.gas:gas",
        "throughput": "pol_oracle.bench.chain:throughput",
        "catch-up": "pol_oracle.bench.chain:catch_up",
    },
    "canonical": {
        "step": "pol_oracle.bench.canonical:step",
        "evaluation": "pol_oracle.bench.canonical:evaluation",
        "layers": "pol_oracle.bench.canonical:layers",
        "trees": "pol_oracle.bench.commitments:trees",
        "replay": "pol_oracle.bench.commitments:replay",
        "segments": "pol_oracle.bench.commitments:segments",
        "follow": "pol_oracle.bench.following:follow",
        "slowest": "pol_oracle.bench.slowest:slowest",
        "agreement": "pol_oracle.bench.search.agreement:agreement",
        "start-up": "pol_oracle.bench.canonical:start_up",
    },
    "search": {
        "tries": "pol_oracle.bench.search.rates:tries",
        "phases": "pol_oracle.bench.search.rates:phases",
        "confirmed": "pol_oracle.bench.search.hits:confirmed",
        "hits": "pol_oracle.bench.search.hits:hits",
        "ranks": "pol_oracle.bench.search.ranks:ranks",
    },
    "cli": {"help": "pol_oracle.bench.cli:help_", "status": "pol_oracle.bench.cli:status"},
    "explorer": {
        "index": "pol_oracle.bench.explorer.pages:index",
        "pages": "pol_oracle.bench.explorer.pages:pages",
        "crowd": "pol_oracle.bench.explorer.crowd:crowd",
        "live": "pol_oracle.bench.explorer.follow:live",
        "idle": "pol_oracle.bench.explorer.crowd:idle",
        "browser": "pol_oracle.bench.explorer.browser:browser",
    },
    "attacks": {"filters": "pol_oracle.bench.search.attacks:attacks"},
    "court": {
        "arithmetic": "pol_oracle.bench.court.evidence:arithmetic",
        "corruptions": "pol_oracle.bench.court.evidence:corruptions",
        "honest": "pol_oracle.bench.court.evidence:honest",
        "gas": "pol_oracle.bench.court.evidence:gas",
        "dispute": "pol_oracle.bench.court.evidence:dispute",
    },
}


def run(name: str, only: str | None, scratch: Path) -> BenchReport:
    """Runs a bench.

    Args:
        name: one of ``BENCHES``.
        only: a single part of it, or None for all.
        scratch: an empty folder the bench may write to.

    Raises:
        InputError: there is no such bench or part.
    """
    parts = BENCHES.get(name)
    if parts is None:
        raise InputError(f"there is no bench {name!r}; choose from: {', '.join(sorted(BENCHES))}")
    if only is not None and only not in parts:
        raise InputError(f"bench {name} has no part {only!r}; choose from: {', '.join(parts)}")
    rows: list[Row] = []
    for part in [only] if only else parts:
        folder = scratch / part
        folder.mkdir(parents=True)
        rows.extend(load_part(parts[part])(folder))
    return BenchReport(name, machine(), tuple(rows))


def load_part(path: str) -> Part:
    """Imports a part of a bench, named as in ``BENCHES``."""
    module, function = path.split(":")
    loaded: Part = getattr(import_module(module), function)
    return loaded
