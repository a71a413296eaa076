"""Teaches halmos 0.3.3 Osaka's CLZ (EIP-7939), for operands that are known: heights of blocks, in its proofs here."""

from __future__ import annotations

import sys
from pathlib import Path

BEFORE = "                elif opcode == OP_SIGNEXTEND:\n"
CLZ = """\
                elif opcode == 0x1E:
                    state.push(BV(256 - ex.int_of(state.popi(), "symbolic CLZ").bit_length()))

"""


def taught(source: str) -> str:
    """Returns the text of halmos's interpreter with the instruction in it.

    Raises:
        SystemExit: it is not the one that this was written for.
    """
    if CLZ in source:
        return source
    if source.count(BEFORE) != 1:
        sys.exit("this is not the interpreter of halmos 0.3.3: look at tools/halmos_osaka.py")
    return source.replace(BEFORE, CLZ + BEFORE)


if __name__ == "__main__":
    (path,) = Path(sys.argv[1]).glob("lib/python*/site-packages/halmos/sevm.py")
    path.write_text(taught(path.read_text()))
