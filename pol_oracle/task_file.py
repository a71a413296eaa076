"""Task files: TOML, checked by pydantic, with the line in every complaint.

Loads no kernels, so that a file that cannot be used is refused at once.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from pol_oracle.canonical.models import MODEL_NAMES
from pol_oracle.data import DataSpec
from pol_oracle.protocol.derivation import LEAF_WEIGHTS
from pol_oracle.protocol.difficulty import BIT, from_bits, to_bits
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.rules import RuleSet, rules_of
from pol_oracle.protocol.task import MAX_TRAINING_STEPS

HALF_LIFE_INTERVALS = 6
TRAINING_STEPS = 256
MASK_SIZE, MOST_MASKED = 16, 32  # fewer, and predicted steps pay; more, and rounding costs more candidates
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
_HERE = Path(__file__).resolve().parent
SHIPPED = (_HERE / "task" / "files", _HERE.parent / "tasks")  # of a wheel; of a checkout
_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,18})?")


def _amount(text: str) -> str:
    if not _AMOUNT.fullmatch(text):
        raise ValueError('must be a decimal number in quotes, such as "0.25", with at most 18 decimals')
    return text


def _positive(text: str) -> str:
    if not to_units(_amount(text)):
        raise ValueError("must be more than 0: what costs nothing to lose keeps nobody honest")
    return text


Amount = Annotated[str, AfterValidator(_amount)]
Stake = Annotated[str, AfterValidator(_positive)]


def to_units(amount: str) -> int:
    """Returns a decimal amount of ETH or LEARN in wei or its like, exactly."""
    return int(Decimal(amount).scaleb(18))


class ChainSpec(BaseModel):
    """Section ``[chain]``: the deployment's parameters. Times in seconds, amounts as decimal strings.

    Attributes:
        challenge_window: from proposal; demands begin only inside it.
        reveal_window: from a slash; until then an earlier commitment can claim the bounty.
        answer_window: from a demand to its deadline, and from an answer to the next demand.
        quorum: attestations a block needs.
        difficulty_bits: of the first blocks: a block of b bits takes about 2**b tries. A real number.
        min_bits: the least that retargeting goes to; 1, or difficulty_bits where that is fixed.
        max_bits: the most; as many tries as there are batches, if not given.
        target_interval: from a block to the next; 0: every block has difficulty_bits.
        half_life: delay that makes a block half as hard; 6 target intervals, if not given. A search ten times as fast
            is then back within 25 % of the target interval after 31 blocks (5.2 half-lives / interval), one a tenth as
            fast after 11. Half of that would follow twice as fast, and sway 1.5 times as much.
        miner_bond: ETH locked per block.
        attest_bond: ETH locked per attestation.
        demand_fee: ETH locked per demand; pays whoever answers. Some 3,000,000 gas at the price the network expects.
        miner_reward: LEARN for a finalized block, of which its attesters get theirs.
        attester_reward: LEARN that each timely attester of it gets, up to 40 of them.
        confirmations: L1 blocks before agents act on a log.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    challenge_window: int = Field(20, ge=1, lt=2**32)
    reveal_window: int = Field(5, ge=1, lt=2**32)
    answer_window: int = Field(10, ge=1, lt=2**32)
    quorum: int = Field(2, ge=1, lt=2**16)
    difficulty_bits: float = Field(5, ge=1, le=32)
    min_bits: float | None = Field(None, ge=1, le=32)
    max_bits: float | None = Field(None, ge=1, le=32)
    target_interval: int = Field(0, ge=0, lt=2**28)
    half_life: int | None = Field(None, ge=1, lt=2**32)
    miner_bond: Stake = "1"
    attest_bond: Stake = "0.25"
    demand_fee: Stake = "0.02"  # an answer of 64 KiB takes about 3M gas: here at up to 6 gwei
    miner_reward: Amount = "14"
    attester_reward: Amount = "0.2"
    confirmations: int = Field(1, ge=0, le=1000)

    @field_validator("max_bits")
    @classmethod
    def _in_order(cls, most: float | None, others: ValidationInfo) -> float | None:
        least = others.data.get("min_bits")
        if most is not None and least is not None and least > most:
            raise ValueError(f"must be at least min_bits, which is {least:g}")
        return most

    def parameters(self, cap: float) -> Parameters:
        """Returns the parameters as the contracts take them.

        Args:
            cap: what ``max_bits`` is if it is not given.

        Raises:
            InputError: the difficulties are not in order.
        """
        least = self.min_bits or (1 if self.target_interval else self.difficulty_bits)
        most = self.max_bits or max(cap, self.difficulty_bits)
        if not least <= self.difficulty_bits <= most:
            raise InputError(f"difficulty_bits must be {least:g} to {most:g}, not {self.difficulty_bits:g}")
        return Parameters(
            challenge_window=self.challenge_window,
            reveal_window=self.reveal_window,
            answer_window=self.answer_window,
            quorum=self.quorum,
            difficulty=from_bits(self.difficulty_bits),
            min_difficulty=from_bits(least),
            max_difficulty=from_bits(most),
            target_interval=self.target_interval,
            half_life=self.half_life or HALF_LIFE_INTERVALS * self.target_interval,
            miner_bond=to_units(self.miner_bond),
            attest_bond=to_units(self.attest_bond),
            demand_fee=to_units(self.demand_fee),
            miner_reward=to_units(self.miner_reward),
            attester_reward=to_units(self.attester_reward),
        )


class TaskSpec(BaseModel):
    """A task file.

    Attributes:
        name: what people call the task; letters, digits, ``-`` and ``_``.
        model: one of ``canonical.models.MODEL_NAMES``.
        rules: ``hardened`` or ``paper``.
        seed: of the initial weights.
        initial: root of the state that the chain begins with, which a store has; None: the seed's.
        batch_size: S, samples per step.
        learning_rate: of every step; rounded to binary32.
        training_steps: N, steps of the segment that leads from a block's W' to the W of its children; None is 256, or
            0 under the paper's rules, which have no segments.
        mask_size: m, weights that a requirement counts: 16 to 32, or 1 under the paper's rules; None is the least.
        data: section ``[data]``.
        chain: section ``[chain]``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    model: str = "cnn"
    rules: Literal["hardened", "paper"] = "hardened"
    seed: int = Field(1, ge=0, lt=2**63)
    initial: str | None = Field(None, pattern="^0x[0-9a-f]{64}$")
    batch_size: int = Field(4, ge=2, le=256)
    learning_rate: float = Field(0.01, gt=0, le=10, allow_inf_nan=False)
    training_steps: int | None = Field(None, ge=0, le=MAX_TRAINING_STEPS)
    mask_size: int | None = Field(None, ge=1, le=LEAF_WEIGHTS)
    data: DataSpec = DataSpec()
    chain: ChainSpec = ChainSpec()

    @field_validator("model")
    @classmethod
    def _known_model(cls, name: str) -> str:
        if name not in MODEL_NAMES:
            raise ValueError(f"must be one of {', '.join(MODEL_NAMES)}")
        return name

    @field_validator("learning_rate")
    @classmethod
    def _binary32(cls, rate: float) -> float:
        if np.float32(rate) == 0:
            raise ValueError(f"is 0 when it is rounded to binary32: the least that is more is {SMALLEST:.3g}")
        return rate

    @field_validator("mask_size")
    @classmethod
    def _worth_a_search(cls, size: int | None, info: ValidationInfo) -> int | None:
        hardened = info.data.get("rules") == "hardened"
        if hardened and size is not None and not MASK_SIZE <= size <= MOST_MASKED:
            raise ValueError(
                f"must be from {MASK_SIZE} to {MOST_MASKED} under the hardened rules: parities over fewer weights can "
                "be predicted at a profit, and over more of them torch rounds too many away"
            )
        return size

    @property
    def steps(self) -> int:
        """N."""
        return self._either(self.training_steps, TRAINING_STEPS, 0)

    @property
    def counted_weights(self) -> int:
        """m."""
        return self._either(self.mask_size, MASK_SIZE, 1)

    def _either(self, given: int | None, hardened: int, paper: int) -> int:
        default = hardened if rules_of(self.rule_set).derived_state else paper
        return default if given is None else given

    @property
    def rule_set(self) -> RuleSet:
        """The rule set as L1 numbers it."""
        return RuleSet[self.rules.upper()]

    def parameters(self) -> Parameters:
        """Returns the parameters as the contracts take them.

        Raises:
            InputError: the difficulties are not in order, or the hardened rules do not allow them.
        """
        batches = self.data.train_count / self.batch_size
        cap = math.floor(math.log2(batches) * BIT) / BIT if batches > 1 else 0
        parameters = self.chain.parameters(cap)
        if rules_of(self.rule_set).batch_from_seed and parameters.max_difficulty > from_bits(cap):
            raise InputError(
                f"difficulty may reach {to_bits(parameters.max_difficulty):g} bits, but with {batches:g} batches of "
                f"training samples bits are worth what they say up to {cap:.2f} (hardened rules): lower max_bits and "
                "difficulty_bits, or train a bigger model instead"
            )
        return parameters

    @property
    def learning_rate_bits(self) -> int:
        """Bits of the binary32 nearest to the learning rate."""
        return int(np.float32(self.learning_rate).view(np.uint32))


def load_spec(path: Path | str) -> TaskSpec:
    """Reads a task file.

    Args:
        path: of the file; or the name of one that comes with pol-oracle, such as "devnet".

    Raises:
        InputError: it cannot be read, is not TOML, or a value cannot be used; the message names file and line.
    """
    path = _found(Path(path))
    try:
        text = path.read_text(encoding="utf-8")
        spec = TaskSpec.model_validate(tomllib.loads(text))
    except OSError as error:
        raise InputError(f"cannot read the task file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read the task file {path}: it is not UTF-8 ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        complaints = [_complaint(text, e["loc"], e["msg"], e["type"]) for e in error.errors()]
        raise InputError(f"{path}: {'; '.join(complaints)}") from error
    try:
        spec.parameters()
    except InputError as error:
        raise InputError(f"{path}: {_complaint(text, ('chain', 'difficulty_bits'), str(error))}") from error
    return spec


def deployed_spec(values: Mapping[str, Any]) -> TaskSpec:
    """Reads what a deployment file says of its task.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return TaskSpec.model_validate(values)
    except ValidationError as error:
        complaints = [_complaint("", e["loc"], e["msg"], e["type"]) for e in error.errors()[:3]]
        raise InputError(
            f"the task in the deployment file cannot be read ({'; '.join(complaints)}): restore the file, or use the "
            "version of pol-oracle that wrote it"
        ) from error


def shipped_tasks() -> dict[str, Path]:
    """Returns the task files that come with pol-oracle, by name."""
    return {path.stem: path for folder in SHIPPED for path in sorted(folder.glob("*.toml"))}


def _found(path: Path) -> Path:
    """The file that was meant."""
    if path.exists() or path.name != str(path) or path.suffix:
        return path
    shipped = shipped_tasks()
    if path.name not in shipped:
        raise InputError(
            f"there is no task file {path}, and no task of that name: name a file, or one of {', '.join(shipped)}"
        )
    return shipped[path.name]


def _complaint(text: str, where: Sequence[int | str], message: str, kind: str = "") -> str:
    keys = [str(part) for part in where]
    line = _line_of(text, keys)
    place = f"line {line}: " if line else ""
    if kind == "extra_forbidden":
        message = _no_such_key(keys)
    return f"{place}{'.'.join(keys)}: {message.removeprefix('Value error, ')}"


def _no_such_key(keys: Sequence[str]) -> str:
    """Says what there is instead of a key that is none."""
    sections: dict[str, type[BaseModel]] = {"data": DataSpec, "chain": ChainSpec}
    known = list(sections.get(keys[0], TaskSpec).model_fields)
    close = get_close_matches(keys[-1], known, 1)
    return f"there is no such key; did you mean {close[0]}?" if close else f"no such key; there are {', '.join(known)}"


def _line_of(text: str, keys: Sequence[str]) -> int | None:
    """Finds the line that holds a key or opens a section; None if it is missing or written in another way."""
    section, last = ".".join(keys[:-1]), keys[-1]
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\]]+)\]", line):
            current = header[1].strip()
            if current == ".".join(keys):
                return number
        elif current == section and re.match(rf"\s*[\"']?{re.escape(last)}[\"']?\s*=", line):
            return number
    return None
