"""Lets the tools of a checkout's virtual environment find its compiler and its Anvil, however they are started.

ape knows no setting for either: it looks for solc in ``SOLCX_BINARY_PATH`` and for anvil on the PATH. Python runs the
line that this writes at start-up. What the user has set, and an anvil that is on the PATH already, come first.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINE = (
    "import os; os.environ.setdefault('SOLCX_BINARY_PATH', {solc!r}); path = os.environ.get('PATH', os.defpath); "
    "os.environ['PATH'] = path if {bin!r} in path.split(os.pathsep) else path + os.pathsep + {bin!r}"
)

if __name__ == "__main__":
    line = LINE.format(solc=str(ROOT / ".build" / "solcx"), bin=str(ROOT / "node_modules" / ".bin"))
    Path(sysconfig.get_path("purelib"), "pol_oracle_checkout.pth").write_text(line + "\n")
