"""TCP ports of this machine."""

from __future__ import annotations

import random
import socket
import time

from pol_oracle.protocol.errors import InputError

HOST = "127.0.0.1"
# below the range from which systems take ports for outgoing connections (32768 on Linux, 49152 elsewhere): a devnet
# that is stopped and started again must find its port free
FIRST, LAST = 20_000, 32_767
_TRIES = 100
_PATIENCE_S = 2.0  # a process that was just killed keeps its port until the system has cleared it away


def free_port() -> int:
    """Returns a TCP port that nobody listens on just now, and that no outgoing connection will be given.

    Raises:
        InputError: there is none.
    """
    for port in random.sample(range(FIRST, LAST + 1), _TRIES):
        if _refusal(port) is None:
            return port
    raise InputError(f"no free TCP port found between {FIRST} and {LAST} on {HOST}; stop what uses them")


def checked_port(port: int) -> int:
    """Returns ``port`` if it is free; for 0, any free port.

    Raises:
        InputError: something uses it.
    """
    if port == 0:
        return free_port()
    deadline = time.monotonic() + _PATIENCE_S
    while (refusal := _refusal(port)) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    if refusal is not None:
        raise InputError(f"port {port} is not free ({refusal}); stop what uses it or choose another port")
    return port


def is_free(port: int) -> bool:
    """Says whether nobody listens on a port of this machine just now."""
    return _refusal(port) is None


def _refusal(port: int) -> Exception | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections do not count
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            return error
    return None
