"""Calls of our contracts, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pol_oracle.protocol.errors import Reverted
from pol_oracle.protocol.types import Wei

from ..client import Client, Request
from ..contracts.abi import encode_call


@dataclass(frozen=True)
class Call:
    """A call of one of our contracts that is to be made once.

    Attributes:
        key: what it means, e.g. "attest:0xab…"; the same key is never sent twice.
        contract: name, e.g. "PoLRegistry".
        function: name.
        args: as the ABI takes them; structs as tuples.
        value: wei to send along.
    """

    key: str
    contract: str
    function: str
    args: tuple[Any, ...]
    value: Wei = 0

    @cached_property
    def data(self) -> bytes:
        """The calldata, encoded once, whoever asks for it first.

        Raises:
            InputError: there is no such function, or the arguments do not fit.
        """
        return encode_call(self.contract, self.function, self.args)

    def request(self, client: Client) -> Request:
        """Returns the transaction that makes the call."""
        return Request(client.address_of(self.contract), self.data, self.value)


@dataclass(frozen=True)
class CallResult:
    """What became of a call.

    Attributes:
        key: of the call.
        ok: it was mined, confirmed, and did not revert.
        error: why not.
        gas_used: 0 if it was not mined.
        tx_hash: of the mined transaction, 32 bytes, or None.
    """

    key: str
    ok: bool
    error: Reverted | None
    gas_used: int
    tx_hash: bytes | None
