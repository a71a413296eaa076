"""CIFAR-10 through torchvision's class, on files in its format."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from pol_oracle.data import DataSpec, at_hand, load
from pol_oracle.data.cifar10 import _torchvision
from pol_oracle.protocol.errors import DataError


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set in CIFAR-10's format, with torchvision's list of MD5 sums to fit it."""
    folder = tmp_path / "cifar10" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(1)

    def batch(name: str, content: object) -> list[str]:
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        return [name, hashlib.md5(data, usedforsecurity=False).hexdigest()]

    def images(count: int, first: int) -> dict[str, object]:
        return {
            "data": pixels.integers(0, 256, (count, 3072), np.uint8),
            "labels": [(first + i) % 10 for i in range(count)],
        }

    dataset = _torchvision().datasets.CIFAR10
    monkeypatch.setattr(dataset, "train_list", [batch(f"data_batch_{i}", images(20, i)) for i in (1, 2)])
    monkeypatch.setattr(dataset, "test_list", [batch("test_batch", images(20, 0))])
    name, md5 = batch("batches.meta", {"label_names": list("abcdefghij")})
    monkeypatch.setattr(dataset, "meta", {"filename": name, "key": "label_names", "md5": md5})
    return folder


def test_images_come_in_our_layout(tmp_path: Path, files: Path) -> None:
    train, test = load(DataSpec(kind="cifar10"), tmp_path)
    assert (len(train), len(test)) == (40, 20)
    planes = pickle.loads((files / "test_batch").read_bytes())["data"]  # noqa: S301 - written above
    assert np.array_equal(test.images[3], planes[3].reshape(3, 32, 32).transpose(1, 2, 0))
    assert list(test.labels[:12]) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_a_second_load_needs_no_files(tmp_path: Path, files: Path) -> None:
    spec = DataSpec(kind="cifar10", folder=str(files.parent))
    roots = [half.root for half in load(spec, tmp_path)]
    for file in files.iterdir():
        file.unlink()
    assert [half.root for half in load(spec, tmp_path)] == roots


def test_damaged_files_are_refused(tmp_path: Path, files: Path) -> None:
    (files / "data_batch_2").write_bytes(b"damaged")
    with pytest.raises(DataError, match="put cifar-10-batches-py there"):
        load(DataSpec(kind="cifar10"), tmp_path)


def test_missing_files_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='or use kind = "digits", which needs no files'):
        load(DataSpec(kind="cifar10", folder="nowhere"), tmp_path)


def test_a_failed_download_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*args: object, **options: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(_torchvision().datasets.cifar, "download_and_extract_archive", offline)
    with pytest.raises(DataError, match=r"fetched into .*Network is unreachable"):
        load(DataSpec(kind="cifar10", download=True), tmp_path)


def test_it_is_at_hand_once_its_files_are(tmp_path: Path) -> None:
    spec = DataSpec(kind="cifar10", download=True)
    assert not at_hand(spec, tmp_path)
    (tmp_path / "cifar10" / "cifar-10-batches-py").mkdir(parents=True)
    assert at_hand(spec, tmp_path)


def test_it_is_at_hand_once_it_was_read(files: Path, tmp_path: Path) -> None:
    load(DataSpec(kind="cifar10"), tmp_path)
    files.rename(tmp_path / "elsewhere")
    assert at_hand(DataSpec(kind="cifar10"), tmp_path)


def test_the_digits_are_always_at_hand(tmp_path: Path) -> None:
    assert at_hand(DataSpec(), tmp_path)
