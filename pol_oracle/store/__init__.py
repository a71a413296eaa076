"""The content-addressed store of states.

A state travels off-chain as ``<root in hex>.f32``: its parameters and buffers as big-endian float32, nothing else. The
name is what the chain committed to, so where a file comes from does not matter: whoever reads it hashes it. Headers of
final blocks lie beside states as ``<block id in hex>.header``, for whoever joins on a node that has pruned old logs.

    states.py   StateStore: put and get, over fsspec (folders, http, anything else fsspec knows by URL)
    headers.py  HeaderStore: headers by block id, in such a store; not imported here, as most have no use for it
    server.py   serve: such a folder over HTTP, read-only; not imported here, as agents serve nothing
    places.py   what URLs and answers over HTTP mean
"""

from __future__ import annotations

from .states import FileKind, Limits, StateStore, file_name

__all__ = ["FileKind", "Limits", "StateStore", "file_name"]
