"""The only module that reads environment variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pol_oracle.protocol.errors import InputError


class Settings(BaseSettings):
    """What a user can set once for all commands: ``POL_HOME``, ``POL_RPC`` and so on. Flags win over these.

    Attributes:
        home: working folder: deployment file, keys, store, states, data sets, journals, logs.
        rpc: URL of L1's JSON-RPC endpoint; without it, the one in the deployment file.
        password_file: file whose first line unlocks keystores; without it, the password is asked for.
        fee_caps: the most that one call of a kind may cost, in ETH, such as "prove=0.4,housekeeping=0.002".
        max_gas_price: the most that any call offers, in gwei per gas.
        log_level: debug, info, warning or error, on stderr; agents log to files of their own.
    """

    model_config = SettingsConfigDict(env_prefix="POL_", extra="ignore")

    home: Path = Path(".pol")
    rpc: str | None = None
    password_file: Path | None = None
    fee_caps: str | None = None
    max_gas_price: float | None = None
    log_level: str = "warning"

    @property
    def deployment_file(self) -> Path:
        """The one file that all agents take."""
        return self.home / "deployment.json"

    @property
    def keys(self) -> Path:
        """Folder of encrypted keystores."""
        return self.home / "keys"

    @property
    def store(self) -> Path:
        """Folder of final states, unless the deployment names another store."""
        return self.home / "store"

    @property
    def states(self) -> Path:
        """Folder of the states that commands computed, so that the next one goes on from there."""
        return self.home / "states"

    @property
    def data(self) -> Path:
        """Folder of cached data sets."""
        return self.home / "data"

    @property
    def devnet(self) -> Path:
        """Folder of the background devnet."""
        return self.home / "devnet"

    @property
    def agents(self) -> Path:
        """Folder of the agents' journals."""
        return self.home / "agents"

    @property
    def logs(self) -> Path:
        """Folder of reports about unexpected errors."""
        return self.home / "logs"


def load(**flags: Any) -> Settings:
    """Returns the settings; flags that are not None win over the environment.

    Raises:
        InputError: a value cannot be used.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "POL_" + "_".join(str(part) for part in first["loc"]).upper()
        raise InputError(f"setting {name} cannot be used: {first['msg']}") from error


def torchrun_variables() -> dict[str, str]:
    """Returns what torchrun tells a process of its group; empty outside of one."""
    names = ("RANK", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_USE_AGENT_STORE")
    return {name: os.environ[name] for name in names if name in os.environ}
