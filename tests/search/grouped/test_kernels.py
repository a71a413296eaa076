"""The kernels for a GPU, computed on a CPU by Triton's interpreter. On a GPU: test_gpu.py."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(find_spec("triton") is None, reason="needs Triton")
def test_kernels_compute_what_torch_and_the_loops_do() -> None:
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)}
    program = [sys.executable, str(Path(__file__).with_name("interpreted.py"))]
    done = subprocess.run(program, capture_output=True, text=True, timeout=100, env=environment)
    assert done.returncode == 0, done.stderr
