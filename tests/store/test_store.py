"""The store: what goes in comes out, and what comes in from strangers does no harm."""

from __future__ import annotations

import errno
import gzip
import os
import pickle
import resource
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.protocol.errors import CorruptState, InputError, StoreError
from pol_oracle.store import Limits, StateStore, application, file_name, serve
from pol_oracle.store.server import Impatient, configuration
from tests.store.hostile import hearing, misbehaving, request, running, serving

ROOT = bytes(range(32))
OTHER = bytes(reversed(ROOT))
DATA = bytes(range(256)) * 1000
HURRIED = Limits(connect_s=1.0, idle_s=0.3, total_s=0.5, slowest=1e9)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("served")
    StateStore([folder]).put(ROOT, DATA)
    with serving(application(folder)) as url:
        yield folder, url


def answer(body: bytes, length: int | None = None, extra: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n{extra}\r\n".encode() + body


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


def test_pitfall_03_an_endless_answer_is_cut_off() -> None:
    sent = [0]

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            sent[0] += connection.send(bytes(65536))

    with misbehaving(endless) as url, pytest.raises(CorruptState, match="more than"):
        StateStore([url]).get(ROOT, 100_000)
    assert sent[0] < 64 << 20


def test_pitfall_03_a_truncated_answer_is_no_state() -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(answer(DATA[:-1], len(DATA)))

    with misbehaving(cut) as url, pytest.raises(StoreError, match="no usable copy"):
        StateStore([url]).get(ROOT, len(DATA))


@pytest.mark.parametrize("pause", [0.05, 30.0], ids=["dripping", "silent"])
def test_pitfall_03_a_slow_server_is_given_up(pause: float) -> None:
    def slow(connection: socket.socket) -> None:
        connection.sendall(answer(b"", len(DATA)))
        for byte in DATA:
            time.sleep(pause)
            connection.sendall(bytes([byte]))

    with misbehaving(slow) as url, pytest.raises(StoreError, match="no usable copy"):
        StateStore([url], HURRIED).get(ROOT, len(DATA))


def test_pitfall_03_a_server_that_never_answers_is_given_up() -> None:
    with misbehaving(lambda connection: time.sleep(30)) as url, pytest.raises(StoreError, match="no usable copy"):
        StateStore([url], HURRIED).get(ROOT, len(DATA))


def packed(body: bytes, encoding: str) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer(body, extra=f"Content-Encoding: {encoding}\r\n"))


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_answer_that_a_proxy_packs_is_unpacked(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    with misbehaving(packed(pack(DATA), encoding)) as url:
        assert StateStore([url]).get(ROOT, len(DATA)) == DATA


def test_pitfall_03_packed_answers_are_unpacked_no_further_than_wanted() -> None:
    bomb = gzip.compress(bytes(1 << 30), compresslevel=1)
    with misbehaving(packed(bomb, "gzip")) as url, pytest.raises(CorruptState, match="more than"):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        StateStore([url]).get(ROOT, len(DATA))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 18  # KiB


def test_answer_that_is_packed_in_an_unknown_way_is_named() -> None:
    with misbehaving(packed(DATA, "br")) as url, pytest.raises(StoreError, match=r"packed as 'br'.*proxy"):
        StateStore([url]).get(ROOT, len(DATA))


def test_nothing_packed_is_asked_for() -> None:
    requests: list[bytes] = []
    with hearing(requests) as url, pytest.raises(StoreError):
        StateStore([url]).get(ROOT, len(DATA))
    assert b"accept-encoding: identity" in requests[0].lower()


def test_no_server_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(StoreError, match=f"http://127.0.0.1:{port}: .*connect"):
        StateStore([f"http://127.0.0.1:{port}"]).get(ROOT, 1)


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


def test_a_store_that_refuses_connections() -> None:
    """It was an unexpected ConnectionRefusedError: some places are connected to at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(StoreError, match=rf"the store ftp://127.0.0.1:{port}/… does not answer"):
        StateStore([f"ftp://127.0.0.1:{port}/states"])


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


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/secret.txt",
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        f"/../{ROOT.hex()}.f32/../secret.txt",
        f"/{ROOT.hex()}",
        f"/{ROOT.hex().upper()}.f32",
        f"/{ROOT.hex()}.f32%00",
        f"/{ROOT.hex()}.f32%0a",
        f"/sub/{ROOT.hex()}.f32",
        f"/{'ab' * 32}.f32",
    ],
)
def test_the_server_serves_nothing_but_states(served: tuple[Path, str], target: str) -> None:
    folder, url = served
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "secret.txt").write_text("secret")
    link = folder / f"{'ab' * 32}.f32"
    if not link.is_symlink():
        link.symlink_to(folder / "secret.txt")
    reply = request(url, target)
    assert reply.split(b" ")[1] in (b"404", b"400")
    assert b"secret" not in reply


def test_the_server_takes_no_writes(served: tuple[Path, str]) -> None:
    host, port = served[1].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"PUT /{OTHER.hex()}.f32 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx".encode())
        assert connection.recv(1000).split(b" ")[1] == b"405"
    assert not (served[0] / file_name(OTHER)).exists()


def test_serving_a_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        serve(tmp_path / "none")


def test_what_is_missing_is_said_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="name a store that has it with --store"):
        StateStore([tmp_path]).get(ROOT, 1)


def test_the_port_is_bound_before_it_is_told(tmp_path: Path) -> None:
    StateStore([tmp_path]).put(ROOT, DATA)
    told: list[str] = []

    class Stop(Exception):
        pass

    def ready(url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
        told.append(url)
        raise Stop

    with pytest.raises(Stop):
        serve(tmp_path, port=0, ready=ready)
    assert told
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="is not free"):
        serve(tmp_path, port=taken.getsockname()[1], ready=told.append)
    assert len(told) == 1


@pytest.mark.parametrize("target", ["http://..:1/", "http://[::1", "/elsewhere"])
def test_pitfall_15_redirections_are_not_followed_and_do_no_harm(target: str) -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())

    with misbehaving(behave) as url, pytest.raises(StoreError, match="it redirects to"):
        StateStore([url], HURRIED).get(ROOT, len(DATA))


SECRETS = ("wonderland", "t0ken")


@pytest.mark.parametrize(
    "url",
    [
        "http://alice:wonderland@127.0.0.1:1/states?key=t0ken",
        "http://127.0.0.1:1/t0ken/states",
        "http://alice:wonderland@[::1:1/t0ken",
        "http://alice:wonder@land@host:port/t0ken",
        "nosuch://alice:wonderland@host/t0ken",
    ],
)
def test_passwords_and_tokens_of_urls_are_never_shown(url: str) -> None:
    with pytest.raises((StoreError, InputError)) as found:
        StateStore([url], HURRIED).get(ROOT, len(DATA))
    assert not any(secret in str(found.value) for secret in (*SECRETS, "land@"))
    with pytest.raises((StoreError, InputError)) as found:
        StateStore([url], HURRIED).put(ROOT, DATA)
    assert not any(secret in str(found.value) for secret in (*SECRETS, "land@"))


@pytest.mark.parametrize("status", ["302 Found", "403 Forbidden", "500 Internal Server Error"])
def test_secrets_are_not_shown_whatever_the_server_answers(status: str) -> None:
    said = f"HTTP/1.1 {status}\r\nLocation: https://bob:wonderland@there/t0ken\r\nContent-Length: 0\r\n\r\n"
    with misbehaving(lambda connection: connection.sendall(said.encode())) as url, pytest.raises(StoreError) as found:
        StateStore([url.replace("//", "//alice:wonderland@") + "/t0ken?t0ken"], HURRIED).get(ROOT, len(DATA))
    assert not any(secret in str(found.value) for secret in SECRETS)
    assert url in str(found.value)


def test_idle_connections_keep_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "request_s", 0.3)
    StateStore([tmp_path]).put(ROOT, DATA)
    with running(configuration(tmp_path)) as url, ExitStack() as idle:
        host, port = url.removeprefix("http://").split(":")
        held = [idle.enter_context(socket.create_connection((host, int(port)), timeout=20)) for _ in range(300)]
        for connection in held[:10]:
            connection.sendall(b"GET /")
        assert all(connection.recv(1) == b"" for connection in held[:256])
        assert StateStore([url]).get(ROOT, len(DATA)) == DATA


def test_pitfall_15_server_that_drips_its_headers_is_given_up(tmp_path: Path) -> None:
    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    hurried = Limits(connect_s=1.0, idle_s=0.3, total_s=600, slowest=1e9, longest_s=0.5)
    with misbehaving(drip) as url, pytest.raises(StoreError, match="no usable copy"):
        StateStore([url], hurried).get(ROOT, len(DATA))
