"""Data sets: training and test samples with their Merkle roots.

A set is made or read once and kept as an ``.npz`` file in the cache folder. The file carries its roots, and they are
recomputed on every load: a damaged file is made again, a set that misses a root the caller names is refused.

    spec.py      which set, and how much of it
    samples.py   images and labels with their root
    digits.py    made from scikit-learn's digits, without a network; integers.py: random ones, alike on every machine
    cifar10.py   read from its files, or downloaded if asked for
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import structlog

from pol_oracle.files import replacing
from pol_oracle.protocol.errors import DataError

from . import cifar10, digits
from .samples import CHANNELS, CLASSES, SIZE, Samples
from .spec import DataSpec

__all__ = ["CHANNELS", "CLASSES", "SIZE", "DataSpec", "Samples", "at_hand", "load", "load_third"]

log = structlog.get_logger(__name__)

FORMAT = 1  # part of the file name: raise it when a transform changes
_ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


def load(spec: DataSpec, cache: Path) -> tuple[Samples, Samples]:
    """Returns the training set and the test set.

    Args:
        spec: which set.
        cache: folder for finished sets; created if absent.

    Raises:
        DataError: the files of the set are missing, or the cache folder cannot be used.
    """
    path = cache / _file_name(spec)
    kept = _read(path) if path.exists() else None
    if kept is not None:
        return kept
    if spec.kind == "digits":
        sets = digits.make(spec.train, spec.test, spec.seed)
    else:
        sets = cifar10.read(cache / spec.folder, spec.download)
    _write(path, *sets)
    return sets


def load_third(spec: DataSpec) -> Samples:
    """Returns as many samples as the test set has that no chain selects by: neither trained on nor in the test set.

    Raises:
        DataError: the set has no more samples than a task uses.
    """
    if spec.kind != "digits":
        raise DataError(f"{spec.kind} has no third set: all its samples are in the other two")
    return digits.make_third(spec.test, spec.seed)


def at_hand(spec: DataSpec, cache: Path) -> bool:
    """Says whether a set can be loaded without a network; its files may still turn out damaged."""
    made = spec.kind == "digits" or (cache / _file_name(spec)).exists()
    return made or (cache / spec.folder / cifar10.FOLDER).is_dir()


def _file_name(spec: DataSpec) -> str:
    if spec.kind == "cifar10":
        return f"cifar10-v{FORMAT}.npz"
    return f"digits-{spec.train}-{spec.test}-{spec.seed}-v{FORMAT}.npz"


def _read(path: Path) -> tuple[Samples, Samples] | None:
    """Reads a finished set, or returns None if it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            train, test = (Samples(archive[f"{half}_images"], archive[f"{half}_labels"]) for half in ("train", "test"))
            roots = bytes(archive["roots"])
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, DataError) as error:
        log.warning("cached data set is damaged and will be made again", path=str(path), reason=str(error))
        return None
    except OSError as error:
        raise DataError(f"cannot read the cached data set {path}: {error}; delete it or fix its permissions") from error
    if roots != train.root + test.root:
        log.warning("cached data set does not have its root and will be made again", path=str(path))
        return None
    return train, test


def _write(path: Path, train: Samples, test: Samples) -> None:
    arrays = dict(zip(_ARRAYS, (train.images, train.labels, test.images, test.labels), strict=True))
    roots = np.frombuffer(train.root + test.root, np.uint8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(file, roots=roots, **arrays)
    except OSError as error:
        raise DataError(f"cannot keep the data set in {path.parent}: {error}; free space or fix permissions") from error
