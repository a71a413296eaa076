"""The server serves states and nothing else, and nobody is kept out."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from pol_oracle.protocol.errors import InputError
from pol_oracle.store import StateStore, file_name
from pol_oracle.store.server import Impatient, configuration, serve
from tests.store.hostile import request, running
from tests.store.states import DATA, OTHER, ROOT


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


def hung_up(connection: socket.socket) -> bool:
    """Whether the other end closed it; what was sent too late makes that a reset."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_idle_connections_keep_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "request_s", 0.3)
    StateStore([tmp_path]).put(ROOT, DATA)
    with running(configuration(tmp_path)) as url, ExitStack() as idle:
        host, port = url.removeprefix("http://").split(":")
        held = [idle.enter_context(socket.create_connection((host, int(port)), timeout=20)) for _ in range(300)]
        for connection in held[:10]:
            with suppress(ConnectionError):  # it took us longer than its patience
                connection.sendall(b"GET /")
        assert all(hung_up(connection) for connection in held[:256])
        assert StateStore([url]).get(ROOT, len(DATA)) == DATA
