"""The content-addressed store of states.

A state travels off-chain as ``<root in hex>.f32``: its parameters and buffers as big-endian float32, nothing else. The
name is what the chain committed to, so where a file comes from does not matter: whoever reads it hashes it.

    states.py   StateStore: put and get, over fsspec (folders, http, anything else fsspec knows by URL)
    server.py   serve: a folder of states over HTTP, read-only; not imported here, as agents serve nothing
    places.py   what URLs and answers over HTTP mean
"""

from __future__ import annotations

from .states import Limits, StateStore, file_name

__all__ = ["Limits", "StateStore", "file_name"]
