"""Which test samples states classify correctly, across restarts: to count anew takes minutes for a large model."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock

import numpy as np
import structlog

from pol_oracle.canonical.commitments.accuracy import Bits
from pol_oracle.files import write_whole
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.types import Root

log = structlog.get_logger(__name__)

MOST = 256  # states: of all blocks that may be pending, two each; a bit a sample on disk, a byte in memory
_WORD = 32


class Counts:
    """The last few counts, by state root. Safe to share between threads.

    The file is a checksum over the task and all records, then a record per state: its root, and a bit per sample. A
    damaged one, or another task's, is none.

    Args:
        task_id: what is counted: 32 bytes that bind the test set.
        samples: in the test set.
        path: of the file; None: nothing outlasts the process.
    """

    def __init__(self, task_id: bytes, samples: int, path: Path | None = None) -> None:
        self._task_id, self._samples, self._path = task_id, samples, path
        self._lock = Lock()
        self._known: OrderedDict[bytes, Bits] = OrderedDict()
        if path is not None:
            self._read(path)

    def get(self, root: Root) -> Bits | None:
        """Returns a state's count, if it is known."""
        return self._known.get(root)

    def put(self, root: Root, bits: Bits) -> None:
        """Remembers a state's count. A full disk costs time after a restart, and nothing else."""
        with self._lock:
            self._known[root] = bits
            self._known.move_to_end(root)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
            if self._path is None:
                return
            records = b"".join(root + np.packbits(bits).tobytes() for root, bits in self._known.items())
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._path, keccak(self._task_id + records) + records)
            except OSError as error:
                log.warning("cannot keep a count", reason=error.strerror)

    def _read(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except OSError:  # there is none yet, or it cannot be read: counted anew, either way
            return
        check, records = data[:_WORD], data[_WORD:]
        size = _WORD + (self._samples + 7) // 8
        if check != keccak(self._task_id + records) or len(records) % size:
            log.warning("counts are damaged, or another task's: states are counted anew", file=str(path))
            return
        for at in range(0, len(records), size):
            packed = np.frombuffer(records[at + _WORD : at + size], np.uint8)
            self._known[records[at : at + _WORD]] = np.unpackbits(packed, count=self._samples).astype(np.bool_)
