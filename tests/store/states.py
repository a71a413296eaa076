"""Roots and bytes of states."""

from __future__ import annotations

ROOT = bytes(range(32))
OTHER = bytes(reversed(ROOT))
DATA = bytes(range(256)) * 1000
