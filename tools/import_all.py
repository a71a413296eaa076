"""Imports the whole package once, so that its bytecode, and that of all it needs, is there before anybody waits for it.

uv leaves compiling to the first import. Where `PYTHONDONTWRITEBYTECODE` is set, as in many containers, no import keeps
what it compiled, and every command would compile again: half of what `pol status` computes.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

if __name__ == "__main__":
    sys.dont_write_bytecode = False
    import pol_oracle

    for module in pkgutil.walk_packages(pol_oracle.__path__, "pol_oracle."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
