"""Headers of final blocks by block id: the way from the finalized tip down to genesis, for whose node forgot it."""

from __future__ import annotations

from pol_oracle.protocol.errors import InputError, StoreError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.types import BlockId

from .states import FileKind, StateStore

_WORDS = 14  # beside the indices: the task's id, where the header begins, its fields, and how many indices there are


class HeaderStore:
    """The headers of a task's blocks, among the files of a store.

    A file is ``abi.encode(taskId, header)``, and named by its hash, which is the block's id: it checks itself.

    Args:
        files: the store.
        task_id: 32 bytes.
        batch_size: S of the task; with it, all headers are of one size.
    """

    def __init__(self, files: StateStore, task_id: bytes, batch_size: int) -> None:
        self._files, self._task_id = files, task_id
        self._size = 32 * (_WORDS + batch_size)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be put there."""
        return self._files.read_only

    def put(self, header: Header) -> None:
        """Writes a header to the first place.

        Raises:
            StoreError: no space, no permission, or a place that takes no writes.
        """
        data = header.encode(self._task_id)
        self._files.put(keccak(data), data, FileKind.HEADER)

    def has(self, block_id: BlockId) -> bool:
        """Says whether the header of a block is there, and right."""
        try:
            self.get(block_id)
        except StoreError:
            return False
        return True

    def get(self, block_id: BlockId) -> Header:
        """Returns the header of a block from the first place that has the right one.

        Raises:
            CorruptState: what was found is something else.
            StoreError: nothing was found.
        """
        for data in self._files.candidates(block_id, self._size, FileKind.HEADER):
            if keccak(data) == block_id:
                try:
                    return Header.decode(data, self._task_id)
                except InputError as error:
                    raise StoreError(f"block {block_id.hex()} is none of this task: {error}") from error
        raise StoreError(f"no usable copy of header {block_id.hex()}")  # not reached: candidates() raises
