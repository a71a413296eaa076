"""What a deployment has sent, on disk before it leaves: whoever gives the command again goes on with it.

The addresses of the contracts follow from their nonces. A later try uses the nonces of the first one, so that L1 takes
each transaction once, whichever of them it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pol_oracle.files import write_whole
from pol_oracle.protocol.errors import InputError, StoreError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task
from pol_oracle.protocol.types import Address

from .client import Client


@dataclass
class Tries:
    """What was sent.

    Attributes:
        nonce: of the first contract's transaction; the others' follow.
        hashes: of every transaction that was signed so far, contract by contract.
    """

    nonce: int
    hashes: list[list[bytes]]

    @classmethod
    def anew(cls, nonce: int, contracts: int) -> Tries:
        """Nothing, yet."""
        return cls(nonce, [[] for _ in range(contracts)])

    @property
    def begun(self) -> bool:
        """Whether anything may have left."""
        return any(self.hashes)

    def add(self, at: int, tx_hash: bytes) -> None:
        """Takes a transaction that is about to leave."""
        if tx_hash not in self.hashes[at]:
            self.hashes[at].append(tx_hash)


@dataclass(frozen=True)
class DeployJournal:
    """Remembers what was sent for one deployment: of a task, by an account, on a chain.

    Attributes:
        path: the file; it is there as long as the deployment is under way.
    """

    path: Path

    @classmethod
    def of(cls, folder: Path, client: Client, account: Address, task: Task, parameters: Parameters) -> DeployJournal:
        """Returns the journal of a deployment.

        Args:
            folder: of all journals.
            client: connected to the chain.
            account: that pays.
            task: what the network trains.
            parameters: of the network.
        """
        told = f"{client.identity()} {account} {task.id.hex()} {parameters.astuple()}"
        return cls(folder / f"{keccak(told.encode()).hex()[:16]}.json")

    def read(self) -> Tries | None:
        """Returns what was sent, or None if nothing was.

        Raises:
            InputError: the file is damaged.
        """
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            hashes = [[bytes.fromhex(one) for one in tried] for tried in content["hashes"]]
            return Tries(int(content["nonce"]), hashes)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"what an earlier deployment sent cannot be read ({error}): move {self.path} away once nothing of the "
                "account is pending on L1"
            ) from error

    def write(self, tries: Tries) -> None:
        """Writes down what is about to be sent; synchronised to disk.

        Raises:
            StoreError: it cannot be written, so that nothing may be sent.
        """
        content = {"nonce": tries.nonce, "hashes": [_hex(tried) for tried in tries.hashes]}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(content).encode())
        except OSError as error:
            raise StoreError(f"what is to be sent cannot be written to {self.path}: {error.strerror}") from error

    def forget(self) -> None:
        """Nothing is under way any more."""
        with suppress(OSError):
            self.path.unlink()


def _hex(tried: Sequence[bytes]) -> list[str]:
    return [tx_hash.hex() for tx_hash in tried]
