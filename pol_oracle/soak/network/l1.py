"""What happens to L1: it is stopped and started again, reorganises, jumps in time."""

from __future__ import annotations

from pathlib import Path

from pol_oracle.l1.client import Client
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.l1.devnet.mining import reorganise
from pol_oracle.protocol.errors import ChainError

BLOCK_TIME_S = 1.0


class TamperedL1:
    """An Anvil that can be tampered with.

    Args:
        folder: where it lives.
        accounts: how many hold ETH.

    Attributes:
        client: asks it directly, without a deployment.
    """

    def __init__(self, folder: Path, accounts: int) -> None:
        self._accounts = accounts
        self._net = Devnet.start(folder, 0, BLOCK_TIME_S, accounts, bound=True)
        self._port = int(self._net.rpc.rsplit(":", 1)[1])
        self._began = 0  # the first L1 block of this start: older ones' states are gone
        self.client = Client.connect(self._net.rpc)

    @property
    def rpc(self) -> str:
        """URL of its endpoint."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Its process; None while it is stopped."""
        return self._net.status().pid

    @property
    def folder(self) -> Path:
        """Where it lives."""
        return self._net.folder

    def stop(self) -> None:
        """Stops it; it saves its chain."""
        self._net.stop()

    def start(self) -> None:
        """Starts it again from what it saved."""
        self._net = Devnet.start(self.folder, self._port, BLOCK_TIME_S, self._accounts, bound=True)
        self._began = self.client.latest().number

    def reorganise(self, depth: int) -> str:
        """Replaces the newest L1 blocks by empty ones; returns what came in the way, or ""."""
        try:
            if self.client.latest().number - self._began <= depth:
                return "it was started just now"
            reorganise(self.client.rpc, depth)
        except ChainError as error:
            return str(error)
        return ""

    def jump(self, seconds: int) -> str:
        """Puts its clock forward; returns what came in the way, or ""."""
        try:
            self.client.rpc.request("evm_increaseTime", seconds)
        except ChainError as error:
            return str(error)
        return ""

    def close(self) -> None:
        """Stops it for good."""
        self._net.stop()
