"""What a verifier needs is usable without torch."""

from __future__ import annotations

import subprocess
import sys


def test_only_the_search_needs_torch() -> None:
    code = "import sys, pol_oracle.task, pol_oracle.evidence, pol_oracle.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
