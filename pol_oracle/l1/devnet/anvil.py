"""A local Anvil in the background: the devnet that agents, tests and the demo run on.

Its folder holds ``devnet.json`` (process and port, while it runs), ``settings.json`` (port, block time and accounts of
the last start), ``state.json`` (the chain, saved every few seconds and at exit) and ``anvil.log`` (errors). It outlives
the process that started it, unless it was started as ``bound`` to it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import ChainError, InputError

from ..node.rpc import Rpc
from .accounts import CHAIN_ID, MNEMONIC
from .mining import finish_blocks
from .ports import HOST, checked_port
from .process import command_line, end_group, spawn, spawn_watcher
from .saved import SavedChain

HARDFORK = "osaka"
START_LIMIT_S = 30.0
ANSWER_LIMIT_S = 5.0
OLD_STATES = 200  # on disk, of L1 blocks before the last few hundred: more than any question goes back
CHECKOUT = Path(__file__).resolve().parents[3]

log = structlog.get_logger(__name__)

_watchers: dict[int, subprocess.Popen[bytes]] = {}  # of what is bound to this process, by process id


@dataclass(frozen=True)
class DevnetStatus:
    """What is known of a devnet.

    Attributes:
        running: its process lives and answers.
        pid: process id, also process group; None if it is not running.
        port: TCP port; None if it was never started here.
        rpc: URL of its JSON-RPC endpoint; "" if it was never started here.
        block: number of its latest L1 block; None if it is not running.
        anvil: path of the executable; "" if it was never started here.
    """

    running: bool
    pid: int | None
    port: int | None
    rpc: str
    block: int | None
    anvil: str


@dataclass(frozen=True)
class DevnetSettings:
    """What a devnet was started with; arguments of :meth:`Devnet.start`."""

    port: int = 8545
    block_time_s: float | None = 1.0
    accounts: int = 20


@dataclass(frozen=True)
class _Record:
    """What ``devnet.json`` holds."""

    pid: int
    port: int
    anvil: str


def find_anvil() -> Path:
    """Returns the ``anvil`` on the PATH, else the one that npm installed.

    Raises:
        InputError: there is none.
    """
    if on_path := shutil.which("anvil"):
        return Path(on_path)
    for root in (CHECKOUT, Path.cwd()):
        for found in sorted(root.glob("node_modules/@foundry-rs/anvil-*/bin/anvil")):
            if os.access(found, os.X_OK):
                return found
    raise InputError("there is no anvil; install Foundry (https://getfoundry.sh) or run `make setup` in a checkout")


class Devnet:
    """One devnet, in one folder.

    Attributes:
        folder: where it lives.
        warning: what the user should know about its start; "" if nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.warning = ""
        self._saved = SavedChain(self.folder)

    @property
    def rpc(self) -> str:
        """URL of the JSON-RPC endpoint; "" before the first start."""
        return self.status().rpc

    @classmethod
    def start(
        cls,
        folder: Path,
        port: int = 8545,
        block_time_s: float | None = 1.0,
        accounts: int = 20,
        *,
        save_interval_s: int = 5,
        bound: bool = False,
    ) -> Devnet:
        """Starts a devnet, on the chain saved in its folder if there is one, and waits until it answers.

        Args:
            folder: where it lives; made if needed.
            port: TCP port on 127.0.0.1; 0 takes any free one.
            block_time_s: seconds between L1 blocks; None makes one per transaction.
            accounts: how many dev accounts hold 10,000 ETH.
            save_interval_s: seconds between two savings of the chain; a crash loses no more than that.
            bound: it ends when this process does, however that ends.

        Raises:
            InputError: it is running already, the port is taken, or there is no anvil.
            ChainError: anvil did not start.
        """
        net = cls(folder)
        net.folder.mkdir(parents=True, exist_ok=True)
        with net._lock():
            status = net.status()
            if status.pid is not None:
                raise InputError(f"the devnet in {net.folder} is already running at {status.rpc}")
            port = checked_port(port)
            options = ["--port", str(port), "--accounts", str(accounts), "--state-interval", str(save_interval_s)]
            if block_time_s is not None:
                options += ["--block-time", f"{block_time_s:g}"]
            net._load(port, options, bound)
            net._settings_file.write_text(json.dumps(asdict(DevnetSettings(port, block_time_s, accounts))) + "\n")
        return net

    def stop(self) -> bool:
        """Lets the devnet make a last block and save its chain, and stops it; returns False if it was not running."""
        with self._lock():
            if (record := self._record()) is not None:
                _release(record.pid)
            record = self._alive()
            if record is None:
                return False
            with suppress(ChainError):  # it does not answer, and so cannot be helped
                # asked to end while it makes a block, it saves its state without that and its logs
                finish_blocks(Rpc(f"http://{HOST}:{record.port}", ANSWER_LIMIT_S, attempts=1))
            end_group(record.pid)
            self._record_file.unlink(missing_ok=True)
        return True

    def clear(self) -> list[str]:
        """Removes the saved chain, and what is copied of it; settings stay.

        Raises:
            InputError: it is running.
        """
        with self._lock():
            if self._alive() is not None:
                raise InputError(f"the devnet in {self.folder} is running: stop it with {pol('devnet down')}")
            shutil.rmtree(self.folder / "cache", ignore_errors=True)
            return self._saved.remove()

    def status(self) -> DevnetStatus:
        """Says whether it runs, and where."""
        record, alive = self._record(), self._alive()
        if record is None:
            return DevnetStatus(False, None, None, "", None, "")
        rpc = f"http://{HOST}:{record.port}"
        block = _block_number(rpc) if alive else None
        return DevnetStatus(block is not None, alive.pid if alive else None, record.port, rpc, block, record.anvil)

    def last_settings(self) -> DevnetSettings:
        """Returns what it was last started with, the defaults if it never was.

        Raises:
            InputError: the file that holds them is damaged.
        """
        try:
            found = DevnetSettings(**json.loads(self._settings_file.read_text()))
            return DevnetSettings(int(found.port), float(found.block_time_s or 0) or None, int(found.accounts))
        except FileNotFoundError:
            return DevnetSettings()
        except (ValueError, TypeError) as error:
            raise InputError(f"{self._settings_file} is damaged ({error}); delete it to use the defaults") from error

    @property
    def _settings_file(self) -> Path:
        return self.folder / "settings.json"

    @property
    def _record_file(self) -> Path:
        return self.folder / "devnet.json"

    @property
    def _log_file(self) -> Path:
        return self.folder / "anvil.log"

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Two processes must not start or stop one devnet at a time."""
        if not self.folder.is_dir():
            yield
            return
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _record(self) -> _Record | None:
        try:
            return _Record(**json.loads(self._record_file.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise InputError(f"{self._record_file} is damaged ({error}); stop its anvil and delete the file") from error

    def _alive(self) -> _Record | None:
        """The record, if its process lives and is this folder's anvil, not a later process with the same id."""
        record = self._record()
        return record if record and str(self._saved.file) in command_line(record.pid) else None

    def _load(self, port: int, options: list[str], bound: bool) -> None:
        """Starts anvil on the saved chain, or on the last one that it loaded if it does not load this one."""
        self.warning = self._saved.mend()
        self._saved.set_aside()
        try:
            self._launch(port, options, bound)
        except ChainError:
            warning = self._saved.give_way()
            if not warning:
                raise
            try:
                self._launch(port, options, bound)
            except ChainError:
                self._saved.restore()
                raise
            self.warning = warning
        else:
            self._saved.loaded()

    def _launch(self, port: int, options: list[str], bound: bool) -> None:
        """Starts anvil and waits until it answers."""
        anvil = find_anvil()
        command = [str(anvil), "--host", HOST, "--hardfork", HARDFORK, "--chain-id", str(CHAIN_ID), "--quiet"]
        command += ["--mnemonic", MNEMONIC, "--state", str(self._saved.file)]
        old_states = self.folder / "cache"  # of an anvil that was killed, nobody else removes them
        shutil.rmtree(old_states, ignore_errors=True)
        command += ["--cache-path", str(old_states), "--max-persisted-states", str(OLD_STATES)]
        with self._log_file.open("wb") as output:
            process = spawn([*command, *options], self.folder, output)
        if bound:
            _watchers[process.pid] = spawn_watcher(process.pid)
        record = _Record(process.pid, port, str(anvil))
        self._record_file.write_text(json.dumps(asdict(record)) + "\n")
        try:
            self._await(process, f"http://{HOST}:{port}")
        except BaseException:
            _release(process.pid)
            end_group(process.pid)
            self._record_file.unlink(missing_ok=True)
            raise
        log.info("devnet up", rpc=f"http://{HOST}:{port}", pid=process.pid)

    def _await(self, process: subprocess.Popen[bytes], rpc: str) -> None:
        """Waits until anvil answers."""
        limit = time.monotonic() + START_LIMIT_S
        while _block_number(rpc) is None or process.poll() is not None:
            if process.poll() is not None or time.monotonic() > limit:
                said = self._log_file.read_text(errors="replace").strip().splitlines()[-3:]
                raise ChainError(f"anvil did not start: {' '.join(said) or 'it said nothing'} (log: {self._log_file})")
            time.sleep(0.02)


def _release(pid: int) -> None:
    """Ends the watcher before what it watches, so that it never kills a stranger."""
    watcher = _watchers.pop(pid, None)
    if watcher is not None:
        end_group(watcher.pid)
        if watcher.stdin:
            watcher.stdin.close()


def _block_number(rpc: str) -> int | None:
    """Number of the latest L1 block, or None if nobody answers."""
    try:
        return int(Rpc(rpc, ANSWER_LIMIT_S, attempts=1).request("eth_blockNumber"), 16)
    except (ChainError, ValueError, TypeError):
        return None
