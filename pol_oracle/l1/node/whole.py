"""HTTP answers that must be whole in time. A time-out of sockets is for the next byte alone."""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

PATIENCE = 3  # times the wait for its next byte that a whole answer may take


class _Hurried(io.RawIOBase):
    """What comes in through a socket until a deadline."""

    def __init__(self, incoming: io.RawIOBase, deadline: float) -> None:
        self._incoming, self._deadline = incoming, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._deadline:
            raise TimeoutError("timed out")
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()


class _WholeResponse(HTTPResponse):
    """An answer, header and all, that is given up when it takes too long."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if (wait := sock.gettimeout()) is not None:
            incoming = io.BufferedReader.detach(self.fp)
            self.fp = io.BufferedReader(_Hurried(incoming, time.monotonic() + PATIENCE * wait))


class _Plain(HTTPConnection):
    response_class = _WholeResponse


class _Secure(HTTPSConnection):
    response_class = _WholeResponse


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class WholeAnswers(HTTPAdapter):
    """Lets a session of requests give up an answer that is not whole after a few times the time-out."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Makes its connections such."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Makes those through a proxy such, too."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
        return manager
