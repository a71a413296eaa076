"""The only module that reads environment variables and pol.toml."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pol_oracle.protocol.errors import InputError

FILE = "pol.toml"  # in the folder that a command is started in; POL_CONFIG names another
PREFIX = "POL_"


@dataclass(frozen=True)
class Settings:
    """What a user can set once for all commands. A flag wins over ``POL_HOME`` and so on, that over pol.toml.

    Attributes:
        home: working folder: deployment file, keys, store, states, data sets, journals, logs.
        rpc: URL of L1's JSON-RPC endpoint; without it, the one in the deployment file.
        password_file: file whose first line unlocks keystores; without it, the password is asked for.
        fee_caps: the most that one call of a kind may cost, in ETH, such as "prove=0.4,housekeeping=0.002".
        max_gas_price: the most that any call offers, in gwei per gas.
        explorer: address of an explorer, for links; without it, that of one that runs on the same home folder.
        log_level: debug, info, warning or error, on stderr; agents log to files of their own.
    """

    home: Path = Path(".pol")
    rpc: str | None = None
    password_file: Path | None = None
    fee_caps: str | None = None
    max_gas_price: float | None = None
    explorer: str | None = None
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


NAMES = tuple(field.name for field in fields(Settings))


def load(**flags: Any) -> Settings:
    """Returns the settings: flags that are not None, else the environment, else pol.toml, else the defaults.

    Raises:
        InputError: a value cannot be used, or pol.toml cannot be read.
    """
    from pydantic import TypeAdapter, ValidationError

    path = Path(os.environ.get(f"{PREFIX}CONFIG", FILE))
    written = _read(path)
    exported = {name: os.environ[PREFIX + name.upper()] for name in NAMES if PREFIX + name.upper() in os.environ}
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return TypeAdapter(Settings).validate_python({**written, **exported, **given})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        where = f"--{name.replace('_', '-')}" if name in given else PREFIX + name.upper()
        where = f"{path}: {name}" if name not in {**given, **exported} else where
        raise InputError(f"setting {where} cannot be used: {first['msg']}") from error


def _read(path: Path) -> dict[str, Any]:
    """What the file sets; nothing if it is not there."""
    import tomllib
    from difflib import get_close_matches

    if not path.exists() and f"{PREFIX}CONFIG" not in os.environ:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"the settings in {path} cannot be read: {error}") from error
    for name in content:
        if name not in NAMES:
            close = get_close_matches(name, NAMES, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(NAMES)}"
            raise InputError(f"{path}: there is no setting {name!r}; {hint}")
    return content


def rank_environment(rank: int, host: str, port: int, rpc: str | None) -> dict[str, str]:
    """Returns the environment of a process of a group, as torchrun makes it; rank 0 keeps the store.

    The RPC address is in it, and not on the command line, which everybody on the machine can read.
    """
    group = {"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_ADDR": host, "MASTER_PORT": str(port)}
    return {**os.environ, **group, **({f"{PREFIX}RPC": rpc} if rpc else {})}


def torchrun_variables() -> dict[str, str]:
    """Returns what torchrun tells a process of its group; empty outside of one."""
    names = ("RANK", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_USE_AGENT_STORE")
    return {name: os.environ[name] for name in names if name in os.environ}
