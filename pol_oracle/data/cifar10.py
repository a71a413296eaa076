"""CIFAR-10 through torchvision's own data set class."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from pol_oracle.protocol.errors import DataError

from .samples import Samples

FOLDER = "cifar-10-batches-py"

# Operators that torchvision's Python part expects from its compiled part.
_MISSING_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_keep_alive: list[Any] = []


def read(folder: Path, download: bool) -> tuple[Samples, Samples]:
    """Reads the 50,000 training and 10,000 test samples.

    torchvision unpickles the original files, but only after their published MD5 sums matched.

    Args:
        folder: holds ``cifar-10-batches-py``, or will.
        download: fetch the files when they are not there.

    Raises:
        DataError: the files are missing or damaged, or cannot be fetched.
    """
    datasets = _torchvision().datasets
    return _half(datasets, folder, True, download), _half(datasets, folder, False, download)


def _half(datasets: Any, folder: Path, train: bool, download: bool) -> Samples:
    try:
        data = datasets.CIFAR10(root=str(folder), train=train, download=download)
    except RuntimeError as error:  # what torchvision raises for absent or damaged files
        raise DataError(
            f"CIFAR-10 is not in {folder} ({error}); put cifar-10-batches-py there, or set download = true "
            'in the task file, or use kind = "digits", which needs no files'
        ) from error
    except OSError as error:
        raise DataError(f"CIFAR-10 cannot be read from or fetched into {folder}: {error}") from error
    return Samples(np.asarray(data.data, np.uint8), np.asarray(data.targets, np.uint8))


def _torchvision() -> Any:
    """Imports torchvision, also where its compiled operators do not fit the installed torch.

    A build for another accelerator fails while it registers shapes for ``nms``. Reading CIFAR-10 needs no operator,
    so their schemas are declared and the import is tried again. Never beforehand: declaring twice aborts.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise DataError(f"torchvision does not work here: {error}") from error
    except ImportError as error:
        raise DataError(f"CIFAR-10 needs torchvision ({error}): `pip install 'pol-oracle[miner]'`") from error
    else:
        return torchvision
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _MISSING_OPERATORS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _keep_alive.append(library)
    for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    import torchvision

    return torchvision
