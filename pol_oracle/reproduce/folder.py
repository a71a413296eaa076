"""What a run leaves behind, and goes on from.

    figure1.csv   a row per block, with its header
    state.npz     W, and how far the search for the next block is; replaced after every block and now and then between
    lock          held by the run that works here

Each file is replaced whole, the CSV first. A run killed in between finds one row more than the state knows of,
drops it, and mines the same block again.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State
from pol_oracle.files import write_whole
from pol_oracle.protocol.errors import CorruptState, InputError

from .files import locked, read_table, write_table
from .mining import Standing


@dataclass(frozen=True)
class BlockEntry:
    """A row of the CSV. Hashes are hex; the header's nonce is ``tries - 1``.

    Attributes:
        height: 1 for the first block after genesis.
        block_id: as L1 would compute it.
        tries: steps of training since the previous block.
        candidates: of these, steps that met R.
        seconds: mining time of the block, by the clock.
        cpu_seconds: the same in processor time, which other work on the machine does not lengthen.
        correct_before: test samples that W classifies correctly.
        correct_after: test samples that W' classifies correctly.
        test_count: |E|.
        accuracy: of W'.
        indices: P, with spaces between.
        pre_root, post_root, trace_root, eval_root: of the header.
    """

    height: int
    block_id: str
    tries: int
    candidates: int
    seconds: float
    cpu_seconds: float
    correct_before: int
    correct_after: int
    test_count: int
    accuracy: float
    indices: str
    pre_root: str
    post_root: str
    trace_root: str
    eval_root: str

    @property
    def interval_s(self) -> float:
        """What the figure shows."""
        return self.cpu_seconds


@dataclass(frozen=True)
class Identity:
    """What makes a chain: a folder holds one.

    Attributes:
        task: its id, hex.
        bits: k.
    """

    task: str
    bits: int

    def __str__(self) -> str:
        return f"task 0x{self.task} with k = {self.bits}"


class Folder:
    """One run's folder.

    Args:
        path: created if absent.
        identity: of the chain.
        model: of its weights.
    """

    def __init__(self, path: Path, identity: Identity, model: Model) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.csv, self.png, self._state = path / "figure1.csv", path / "figure1.png", path / "state.npz"
        self._path, self._identity, self._model = path, identity, model

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other runs out.

        Raises:
            InputError: one is at work.
        """
        return locked(self._path)

    def load(self) -> tuple[list[BlockEntry], Standing | None]:
        """Returns the chain so far and the search under way; nothing of an empty folder.

        Raises:
            InputError: the folder holds another chain, or files that do not belong together.
            CorruptState: W is damaged.
        """
        if not self._state.exists():
            if self.csv.exists():
                raise InputError(f"{self.csv} has no {self._state.name} beside it to go on from: choose another --out")
            return [], None
        facts, saved = self._load_state()
        rows = read_table(self.csv, BlockEntry)
        height, last = facts["height"], facts["last"]
        if len(rows) < height or (height and rows[height - 1].block_id != last):
            raise InputError(f"{self.csv} does not belong to {self._state}: restore it, or choose another --out")
        return rows[:height], saved

    def add(self, chain: Sequence[BlockEntry], now: Standing) -> None:
        """Keeps a chain whose last block is new.

        Args:
            chain: all blocks.
            now: the search for the next one.

        Raises:
            OSError: a file cannot be written.
        """
        write_table(self.csv, BlockEntry, chain)
        self.save(chain, now)

    def save(self, chain: Sequence[BlockEntry], now: Standing) -> None:
        """Keeps the search for the block after ``chain``.

        Raises:
            OSError: the file cannot be written.
        """
        facts = {
            **asdict(self._identity),
            "height": len(chain),
            "last": chain[-1].block_id if chain else "",
            "root": now.state.root.hex(),
            "tries": now.tries,
            "candidates": now.candidates,
            "seconds": now.seconds,
            "cpu_seconds": now.cpu_seconds,
        }
        packed = io.BytesIO()
        np.savez(packed, weights=now.state.flat, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8))
        write_whole(self._state, packed.getvalue())

    def _load_state(self) -> tuple[dict[str, Any], Standing]:
        try:
            with np.load(self._state, allow_pickle=False) as archive:
                facts, weights = json.loads(bytes(archive["facts"])), archive["weights"]
            found = Identity(facts["task"], facts["bits"])
            if found != self._identity:
                raise InputError(
                    f"{self._path} holds a chain of {found}, not of {self._identity}: choose another --out"
                )
            state = State(self._model, weights)
            if state.root.hex() != facts["root"]:
                raise CorruptState("its weights do not have their root")
            saved = Standing(state, facts["tries"], facts["candidates"], facts["seconds"], facts["cpu_seconds"])
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, CorruptState) as error:
            raise CorruptState(f"{self._state} is damaged ({error}): choose another --out to begin anew") from error
        return facts, saved
