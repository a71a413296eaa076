"""Evidence: what a challenger sends to the Court, built from the states it replayed with.

requirements.py   openings of one required weight in W and W' (``ICourt.RequirementEvidence``)
commitments.py    what is sent ahead of it, so that nobody can steal it from the mempool
"""

from __future__ import annotations

from .commitments import commitment
from .requirements import RequirementEvidence, first_unmet, requirement_evidence

__all__ = ["RequirementEvidence", "commitment", "first_unmet", "requirement_evidence"]
