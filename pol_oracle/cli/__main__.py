"""Lets ``python -m pol_oracle.cli`` stand in for ``pol``."""

from . import main

main()
