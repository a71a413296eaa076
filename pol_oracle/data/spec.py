"""Which data set a task trains on."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CIFAR10_TRAIN = 50_000


class DataSpec(BaseModel):
    """Section ``[data]`` of a task file.

    Attributes:
        kind: ``digits`` (made from scikit-learn's digits, needs no network) or ``cifar10``.
        train: number of training samples (digits only).
        test: number of test samples (digits only).
        seed: names one digits set among many (digits only).
        folder: where CIFAR-10's files are; relative paths count from the cache folder (cifar10 only).
        download: fetch CIFAR-10 into the folder when it is not there (cifar10 only).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["digits", "cifar10"] = "digits"
    train: int = Field(8192, ge=16, le=1_000_000)
    test: int = Field(4096, ge=16, le=1_000_000)
    seed: int = Field(1, ge=0, lt=2**63)
    folder: str = "cifar10"
    download: bool = False

    @property
    def train_count(self) -> int:
        """Number of training samples."""
        return self.train if self.kind == "digits" else CIFAR10_TRAIN
