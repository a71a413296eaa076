"""The same bits from every instruction set: each in a process of its own, with code generated for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.canonical.test_models import GOLDEN

ROOT = Path(__file__).parents[2]
# what LLVM may use; a processor that lacks it cannot run that test
MACHINES = {
    "baseline": ("x86-64", "", "sse2"),
    "avx2": ("haswell", "+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt,+popcnt,+sse4.2", "avx2"),
    "avx512": ("skylake-avx512", "+avx,+avx2,+fma,+avx512f,+avx512dq,+avx512bw,+avx512vl,+bmi,+bmi2", "avx512vl"),
}

REPORT = """
import json, sys
sys.path.insert(0, {root!r})
import importlib.util

spec = importlib.util.spec_from_file_location("models", {tests!r})
models = importlib.util.module_from_spec(spec)
sys.modules["models"] = models
spec.loader.exec_module(models)
from pol_oracle.canonical.selftest import self_test
from pol_oracle.canonical.step import Stepper

self_test()
found = {{}}
for name in models.MODEL_NAMES:
    model = models.build_model(name)
    state = models.State.initial(model, 1)
    result = Stepper(model, 4, models.RATE, 2).run(state, *models.batch(4))
    found[name] = {{
        "post": result.post.root.hex(),
        "trace": result.trace.root.hex(),
        "logits": models.logits_digest(state),
    }}
print(json.dumps(found))
"""


def report(machine: str) -> dict[str, dict[str, str]]:
    """Digests of all models' steps and evaluations, by code for one machine."""
    name, features, needed = MACHINES[machine]
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if needed not in flags.split():
        pytest.skip(f"this processor has no {needed}")
    code = REPORT.format(root=str(ROOT), tests=str(ROOT / "tests" / "canonical" / "test_models.py"))
    settings = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("machine", MACHINES)
def test_every_instruction_set_gives_the_golden_digests(machine: str) -> None:
    expected = {name: {kind: golden[kind] for kind in ("post", "trace", "logits")} for name, golden in GOLDEN.items()}
    assert report(machine) == expected
