"""The store: what goes in comes out, and what is wrong with a disk or a place is said."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.protocol.errors import CorruptState, InputError, StoreError
from pol_oracle.store import StateStore, file_name
from tests.store.states import DATA, OTHER, ROOT


def test_a_state_comes_back_from_a_folder(tmp_path: Path) -> None:
    store = StateStore([tmp_path / "a folder" / "deep"])
    assert not store.has(ROOT)

    store.put(ROOT, DATA)

    assert store.has(ROOT)
    assert store.get(ROOT, len(DATA)) == DATA
    assert [p.name for p in (tmp_path / "a folder" / "deep").iterdir()] == [f"{ROOT.hex()}.f32"]


def test_a_state_is_removed_from_the_first_place_only(tmp_path: Path) -> None:
    both = StateStore([tmp_path / "a", tmp_path / "b"])
    for place in ("a", "b"):
        StateStore([tmp_path / place]).put(ROOT, DATA)
    both.remove(ROOT)
    both.remove(OTHER)  # never was there

    assert not both.has(ROOT)
    assert both.get(ROOT, len(DATA)) == DATA  # from the other place


def test_what_others_serve_cannot_be_removed(served: tuple[Path, str]) -> None:
    with pytest.raises(StoreError, match="cannot remove"):
        StateStore([served[1]]).remove(ROOT)


def test_a_state_comes_back_over_http(served: tuple[Path, str]) -> None:
    store = StateStore([served[1]])
    assert store.has(ROOT)
    assert not store.has(OTHER)
    assert store.get(ROOT, len(DATA)) == DATA


def test_file_urls_work(tmp_path: Path) -> None:
    store = StateStore([tmp_path.as_uri()])
    store.put(ROOT, DATA)
    assert store.get(ROOT, len(DATA)) == DATA


def test_later_places_are_read_too(tmp_path: Path, served: tuple[Path, str]) -> None:
    store = StateStore([tmp_path, served[1]])
    assert store.get(ROOT, len(DATA)) == DATA


def test_candidates_go_on_after_a_wrong_root(tmp_path: Path) -> None:
    for name, fill in (("a", b"x"), ("b", b"y")):
        StateStore([tmp_path / name]).put(ROOT, fill * 100)
    store = StateStore([tmp_path / "a", tmp_path / "none", tmp_path / "b"])
    candidates = store.candidates(ROOT, 100)
    assert [next(candidates), next(candidates)] == [b"x" * 100, b"y" * 100]
    with pytest.raises(CorruptState, match="another root"):
        next(candidates)


def test_pitfall_03_data_withheld_is_told_from_damaged_data(tmp_path: Path, served: tuple[Path, str]) -> None:
    store = StateStore([tmp_path, served[1]])
    with pytest.raises(StoreError) as absent:
        store.get(OTHER, len(DATA))
    assert not isinstance(absent.value, CorruptState)
    assert str(absent.value).count("not there") == 2
    with pytest.raises(CorruptState, match="fewer"):
        store.get(ROOT, len(DATA) + 1)


def test_pitfall_03_oversized_files_are_not_read_to_the_end(tmp_path: Path, served: tuple[Path, str]) -> None:
    StateStore([tmp_path]).put(ROOT, DATA)
    for url in (tmp_path, served[1]):
        with pytest.raises(CorruptState, match=f"more than the {len(DATA) - 1} bytes"):
            StateStore([url]).get(ROOT, len(DATA) - 1)


class Bomb:
    """Would leave a trace if it were unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self.path,)


def test_pickles_are_bytes_like_any_other(tmp_path: Path) -> None:
    data = pickle.dumps(Bomb(str(tmp_path / "exploded")))
    store = StateStore([tmp_path])
    store.put(ROOT, data)
    assert store.get(ROOT, len(data)) == data
    assert not (tmp_path / "exploded").exists()


def test_a_full_disk_is_a_clear_error_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = StateStore([tmp_path])
    store.put(ROOT, b"old")
    monkeypatch.setattr(os, "fsync", full)
    for root in (ROOT, OTHER):
        with pytest.raises(StoreError, match="the disk is full; free some space"):
            store.put(root, b"new")
    assert store.get(ROOT, 3) == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_killed_writers_left_is_cleared_away_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pol_oracle.store import StateStore;"
        "os.fsync = lambda _: (print('writing', flush=True), sys.stdin.read(1));"
        "StateStore([sys.argv[1]]).put(bytes(range(32)), bytes(1000))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            for _ in range(3)
        ]
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline() == b"writing\n"
        for writer in writers[:2]:
            writer.kill()
            writer.wait()
        StateStore([tmp_path]).put(OTHER, DATA)
        assert len(list(tmp_path.iterdir())) == 2  # the new state, and what is still being written
        writers[2].communicate(b"\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([file_name(ROOT), file_name(OTHER)])
    assert StateStore([tmp_path]).roots() == {ROOT, OTHER}


def test_missing_permission_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(StoreError, match="permission denied; check the folder"):
        StateStore([tmp_path]).put(ROOT, DATA)


def test_a_file_in_the_folders_place_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = StateStore([tmp_path / "file"])
    with pytest.raises(StoreError, match="cannot write"):
        store.put(ROOT, DATA)
    with pytest.raises(StoreError, match="no usable copy"):
        store.get(ROOT, len(DATA))


def test_a_pipe_in_a_states_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / file_name(ROOT))
    with pytest.raises(StoreError, match="not there"):
        StateStore([tmp_path]).get(ROOT, 1)


def test_http_stores_are_read_only(served: tuple[Path, str]) -> None:
    with pytest.raises(StoreError, match="read-only"):
        StateStore([served[1]]).put(ROOT, DATA)


def test_unusable_urls_are_input_errors() -> None:
    with pytest.raises(InputError, match="at least one"):
        StateStore([])
    with pytest.raises(InputError, match="neither a folder nor a URL"):
        StateStore(["gopher://somewhere"])


@given(st.binary(max_size=64).filter(lambda root: len(root) != 32))
def test_only_roots_are_names(root: bytes) -> None:
    with pytest.raises(StoreError, match="32 bytes"):
        file_name(root)


def test_what_is_missing_is_said_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="name a store that has it with --store"):
        StateStore([tmp_path]).get(ROOT, 1)
