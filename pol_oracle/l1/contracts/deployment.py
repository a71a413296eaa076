"""The deployment file: the one file that tells every agent where the contracts are and what they decide about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final, Literal

from eth_utils.address import to_checksum_address
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from pol_oracle.advice import pol
from pol_oracle.files import write_whole
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.rules import RuleSet
from pol_oracle.protocol.task import Task
from pol_oracle.protocol.text import steers

VERSION: Final = 5  # of the file and of the contracts it names; 1 was written before there were versions
# in which they are deployed
ORDER = ("LearnToken", "BondVault", "Bounties", "Court", "Explanations", "Demands", "Reveals", "PoLRegistry")


class Deployment(BaseModel):
    """What is known of a deployment.

    Attributes:
        version: of the file's format.
        chain_id: EIP-155 chain id of L1.
        rpc: URL of the endpoint it was made through; agents may be given another one.
        deployed_at: the L1 block of its first contract: no event is older.
        addresses: contract name -> checksummed address.
        spec: the task file it was made from, as JSON.
        task: what L1 holds of that task.
        parameters: fixed for ever.
        genesis_id: id of the genesis block, 0x-prefixed hex.
        store: URLs of the stores of states; the first one is written to.
        confirmations: how many L1 blocks deep a log must be before agents act on it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[5] = VERSION
    chain_id: int
    rpc: str
    deployed_at: int = Field(ge=0)
    addresses: dict[str, str]
    spec: dict[str, Any]
    task: Task
    parameters: Parameters
    genesis_id: str = Field(pattern="^0x[0-9a-f]{64}$")
    store: list[str]
    confirmations: int = Field(ge=0)

    @model_validator(mode="before")
    @classmethod
    def _shown_as_it_is(cls, value: Any) -> Any:
        """It is handed from one to another, and its names and places are shown and logged."""
        if steering(value) is not None:
            raise ValueError("it holds control characters")
        return value

    @field_validator("addresses")
    @classmethod
    def _all_contracts(cls, value: dict[str, str]) -> dict[str, str]:
        if missing := set(ORDER) - set(value):
            raise ValueError(f"no address of {', '.join(sorted(missing))}")
        return {name: to_checksum_address(address) for name, address in value.items()}

    @field_validator("task", mode="before")
    @classmethod
    def _task_from_json(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        plain = {k: bytes.fromhex(v.removeprefix("0x")) if isinstance(v, str) else v for k, v in value.items()}
        return plain | {"rule_set": RuleSet(value["rule_set"])}

    @field_serializer("task")
    def _task_to_json(self, task: Task) -> dict[str, Any]:
        values = {field.name: getattr(task, field.name) for field in fields(task)}
        return {k: "0x" + v.hex() if isinstance(v, bytes) else int(v) for k, v in values.items()}

    @field_serializer("parameters")
    def _parameters_to_json(self, parameters: Parameters) -> dict[str, Any]:
        return asdict(parameters)

    def save(self, path: Path) -> None:
        """Writes the file in one step, over an older one if there is one.

        Raises:
            InputError: it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, self.model_dump_json(indent=2).encode() + b"\n")
        except OSError as error:
            raise InputError(f"the deployment file {path} cannot be written: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Reads the file.

        Raises:
            InputError: there is none, it is of another version, or it is damaged.
        """
        try:
            text = path.read_text(encoding="utf-8")
            return cls.model_validate_json(text)
        except FileNotFoundError:
            raise InputError(f"there is no deployment file {path}; run {pol('deploy')} or name another one") from None
        except OSError as error:
            raise InputError(f"the deployment file {path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            if (version := _version(text)) != VERSION:
                raise InputError(_of_another_version(path, version)) from error
            where = "; ".join(_problem(e["loc"], e["msg"]) for e in error.errors()[:3])
            raise InputError(_damaged(path, where)) from error
        except (ValueError, KeyError) as error:
            raise InputError(_damaged(path, str(error))) from error


def steering(value: Any) -> str | None:
    """Returns a text in what was, or will be, JSON that would steer a terminal; None if there is none."""
    return next((text for text in _texts(value) if any(map(steers, text))), None)


def _texts(value: Any) -> Iterator[str]:
    """All texts in what was JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _texts(part)


def _version(text: str) -> object:
    """The version that a file says it is of: 1 if it says none; the current one if nobody can read it."""
    try:
        content = json.loads(text)
    except ValueError:
        return VERSION
    return content.get("version", 1) if isinstance(content, dict) else VERSION


def _of_another_version(path: Path, version: object) -> str:
    return (
        f"the deployment file {path} is of version {version}, and this pol-oracle reads version {VERSION}: its "
        "contracts are others, too. Go on with the pol-oracle that wrote it, or begin anew: move the file and its "
        f"agents folder away and run {pol('deploy')}"
    )


def _problem(where: tuple[int | str, ...], what: str) -> str:
    return f"{'.'.join(map(str, where))}: {what}" if where else what


def _damaged(path: Path, why: str) -> str:
    return f"the deployment file {path} is damaged: {why}; restore it, or run {pol('deploy --force')}"
