"""The digits set: the same bytes everywhere, and hard enough."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pol_oracle.data import DataSpec, Samples, digits, load, load_third
from pol_oracle.data.integers import Integers
from pol_oracle.protocol.errors import DataError
from pol_oracle.protocol.hashing import Tag, keccak

SMALL = DataSpec(train=64, test=32, seed=3)
# Roots of the default set. A change here is a new set, and so a new task: raise data.FORMAT with it.
TRAIN_ROOT = "50e0152e5d07efa139630e50de7a109a2e40ea8c5ea47d21348274c724d89fbc"
TEST_ROOT = "1f2413bee50ad213ed9e67a8d4a4d91f23c9a13fc14fd8ce2b62ff75e1b861b9"


def plain_root(samples: Samples) -> bytes:
    """The sample tree, written out."""
    level = [
        keccak(Tag.SAMPLE_LEAF + image.tobytes() + int(label).to_bytes(8, "big"))
        for image, label in zip(samples.images, samples.labels, strict=True)
    ]
    while len(level) > 1:
        level += [bytes(32)] * (len(level) % 2)
        level = [keccak(Tag.SAMPLE_NODE + a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
    return keccak(Tag.SAMPLE_ROOT + len(samples).to_bytes(8, "big") + level[0])


@pytest.fixture(scope="module")
def default_set(tmp_path_factory: pytest.TempPathFactory) -> tuple[Samples, Samples]:
    return load(DataSpec(), tmp_path_factory.mktemp("data"))


def test_the_roots_of_the_default_set_are_pinned(default_set: tuple[Samples, Samples]) -> None:
    assert [half.root.hex() for half in default_set] == [TRAIN_ROOT, TEST_ROOT]


def test_the_default_set_has_cifars_shape_and_all_classes(default_set: tuple[Samples, Samples]) -> None:
    train, test = default_set
    assert (train.images.shape, test.images.shape) == ((8192, 32, 32, 3), (4096, 32, 32, 3))
    for half in default_set:
        assert np.bincount(half.labels, minlength=10).min() > len(half) / 20
        assert half.images.dtype == half.labels.dtype == np.uint8


def test_no_two_samples_are_the_same(default_set: tuple[Samples, Samples]) -> None:
    images = {image.tobytes() for half in default_set for image in half.images}
    assert len(images) == 8192 + 4096


def test_the_third_set_is_in_neither_of_the_others(default_set: tuple[Samples, Samples]) -> None:
    third = load_third(DataSpec())
    assert len(third) == 4096
    taken = {image.tobytes() for half in default_set for image in half.images}
    assert not taken & {image.tobytes() for image in third.images}


def test_the_root_is_the_sample_tree() -> None:
    for half in digits.make(21, 16, seed=5):
        assert half.root == plain_root(half)


def test_seeds_and_sizes_name_sets() -> None:
    one, other = digits.make(32, 16, seed=1), digits.make(32, 16, seed=2)
    assert not np.array_equal(one[0].images, other[0].images)
    assert np.array_equal(one[0].images, digits.make(32, 99, seed=1)[0].images)


def test_training_and_test_samples_come_from_disjoint_originals(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[set[int]] = []

    def watch(originals: np.ndarray, labels: np.ndarray, count: int, integers: Integers) -> Samples:  # type: ignore[type-arg]
        shown.append({original.tobytes() for original in originals})
        return Samples(np.zeros((1, 32, 32, 3), np.uint8), np.zeros(1, np.uint8))

    monkeypatch.setattr(digits, "_render", watch)
    digits.make(1, 1, seed=1)
    assert (len(shown[0]), len(shown[1])) == (1297, 500)
    assert not shown[0] & shown[1]


def test_a_kept_set_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = load(SMALL, tmp_path / "new" / "folder")
    monkeypatch.setattr(digits, "make", None)
    kept = load(SMALL, tmp_path / "new" / "folder")
    assert [half.root for half in kept] == [half.root for half in made]
    assert len(list((tmp_path / "new" / "folder").iterdir())) == 1


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty", "flip"])
def test_a_damaged_copy_is_made_again(tmp_path: Path, damage: str) -> None:
    roots = [half.root for half in load(SMALL, tmp_path)]
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes({"truncate": bytes(data[:-100]), "garbage": b"garbage", "empty": b"", "flip": bytes(data)}[damage])
    assert [half.root for half in load(SMALL, tmp_path)] == roots
    assert [half.root for half in load(SMALL, tmp_path)] == roots


def test_a_consistent_forgery_of_the_cache_shows_in_the_roots(tmp_path: Path) -> None:
    """The cache's own roots only find accidents; the task id on L1 names the true roots."""
    roots = [half.root for half in load(SMALL, tmp_path)]
    (file,) = tmp_path.iterdir()
    with np.load(file) as archive:
        arrays = dict(archive)
    arrays["test_labels"] = (arrays["test_labels"] + 1) % 10
    forged = Samples(arrays["test_images"], arrays["test_labels"])
    arrays["roots"] = np.frombuffer(roots[0] + forged.root, np.uint8)
    np.savez(file, **arrays)
    assert load(SMALL, tmp_path)[1].root != roots[1]


def test_a_cache_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot keep the data set"):
        load(SMALL, tmp_path / "file" / "below")


def test_samples_refuse_other_shapes_types_and_labels() -> None:
    images, labels = np.zeros((2, 32, 32, 3), np.uint8), np.zeros(2, np.uint8)
    for wrong in (images[:0], images[:, :31], images.astype(np.float32)):
        with pytest.raises(DataError, match="images must be"):
            Samples(wrong, labels[: len(wrong)])  # type: ignore[arg-type]
    for bad in (labels[:1], labels + np.uint8(10), labels.astype(np.int64)):
        with pytest.raises(DataError, match="labels must be"):
            Samples(images, bad)  # type: ignore[arg-type]


def test_samples_cannot_be_changed() -> None:
    samples = Samples(np.zeros((2, 32, 32, 3), np.uint8), np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        samples.images[0, 0, 0, 0] = 1


def test_data_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from pol_oracle.data import DataSpec, load; "
        f"load(DataSpec(train=16, test=16), pathlib.Path({str(tmp_path)!r})); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
