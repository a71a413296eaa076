"""A devnet's saved chain: Anvil's own file, which a crash may damage, and a copy of what Anvil loaded last."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import InputError


class SavedChain:
    """The saved chain in a devnet's folder. What was loaded once is given up for nothing that was not.

    Args:
        folder: of the devnet.

    Attributes:
        file: what Anvil loads, and saves to.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state.json"
        self._good = folder / "state.last.json"
        self._trial = folder / "state.trial.json"
        self._broken = folder / "state.broken"

    def mend(self) -> str:
        """Lets the good copy stand in for a file that is cut short: Anvil does not save in one step.

        Returns:
            What the user should know; "" if nothing.

        Raises:
            InputError: there is no good copy.
        """
        if not self.file.exists() or _is_json(self.file):
            return ""
        if not _is_json(self._good):
            self.file.replace(self._broken)
            raise InputError(
                f"the saved chain is damaged, there is no good copy, and it was kept as {self._broken}; "
                f"{pol('devnet up')} again starts an empty chain, then {pol('deploy --force')}"
            )
        return self._fall_back()

    def set_aside(self) -> None:
        """Copies what is about to be loaded: Anvil soon writes to its file."""
        self._trial.unlink(missing_ok=True)
        if self.file.exists():
            shutil.copyfile(self.file, self._trial)

    def loaded(self) -> None:
        """What was set aside is good."""
        if self._trial.exists():
            self._trial.replace(self._good)

    def give_way(self) -> str:
        """Lets the good copy stand in for a file that Anvil did not load; returns "" if that would change nothing."""
        if not self._trial.exists() or not _is_json(self._good) or self._trial.read_bytes() == self._good.read_bytes():
            return ""
        return self._fall_back()

    def restore(self) -> None:
        """Undoes :meth:`give_way`: the file was not what kept Anvil from starting."""
        self._broken.replace(self.file)

    def remove(self) -> list[str]:
        """Removes the chain and its copies; returns their names."""
        there = [path for path in (self.file, self._good, self._trial, self._broken) if path.exists()]
        for path in there:
            path.unlink()
        return [path.name for path in there]

    def _fall_back(self) -> str:
        self.file.replace(self._broken)
        shutil.copyfile(self._good, self.file)
        return f"the saved chain was damaged and kept as {self._broken}; an older copy is used"


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, FileNotFoundError):
        return False
    return True
