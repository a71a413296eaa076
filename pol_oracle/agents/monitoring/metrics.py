"""Prometheus metrics of an agent and whether it is well: ``http://127.0.0.1:PORT/metrics`` and ``/healthz``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Gauge, make_wsgi_app

from pol_oracle.protocol.errors import InputError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

_GAUGES = {
    "pol_difficulty_bits": "Difficulty of the block that is searched for, in bits.",
    "pol_tries": "Nonces tried since the start.",
    "pol_tries_per_second": "Nonces tried per second, over the last half minute.",
    "pol_hit_rate_ratio": "Tries of the last ten minutes that met the requirements, by what the difficulty says.",
    "pol_moving_weights_ratio": "Share of the eligible weights that moved in segments of the last ten minutes.",
    "pol_network_warnings": "What is wrong with the network that is mined on: number of warnings in the log.",
    "pol_segment_step": "Steps done of the training segment that was computed last.",
    "pol_segment_steps": "Steps of a training segment.",
    "pol_training_time_ratio": "Share of the last ten minutes in which training segments were computed.",
    "pol_accuracy_before_ratio": "Share of the test set that W classifies correctly.",
    "pol_accuracy_after_ratio": "Share of the test set that the last evaluated W' classifies correctly.",
    "pol_head_height": "Height of the chain's head.",
    "pol_finalized_height": "Height of the last finalized block.",
    "pol_blocks_finalized": "Own blocks that were finalized.",
    "pol_rewards_learn": "LEARN earned by own finalized blocks and attestations.",
    "pol_blocks_attested": "Blocks attested to.",
    "pol_blocks_to_replay": "Blocks that wait to be replayed, the one under way not counted.",
    "pol_blocks_slashed": "Slashed blocks that were seen, whoever mined them.",
    "pol_bond_free_eth": "Bond that is free.",
    "pol_bond_locked_eth": "Bond that is locked in blocks, attestations and demands.",
    "pol_waiting": "Number of things that the agent waits for; its log and /healthz say which.",
    "pol_l1_block": "Newest L1 block whose events were taken in.",
}


Report = Callable[[], tuple[bool, dict[str, Any]]]
"""Says whether an agent is well, and more about that."""


STARTING = False, {"healthy": False, "waiting": ["it starts"]}


class _QuietServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a reader that stands still keeps nobody waiting


class _QuietHandler(WSGIRequestHandler):
    timeout = 10.0

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the log is the agent's."""


def _application(registry: CollectorRegistry, report: Report) -> WSGIApplication:
    """Answers /healthz (200 or 503, JSON); everything else is the metrics'."""
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/healthz":
            return cast(Iterable[bytes], metrics(environ, start_response))
        well, facts = report()
        start_response("200 OK" if well else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [json.dumps(facts).encode() + b"\n"]

    return answer


class Metrics:
    """Serves gauges over HTTP, on the loopback interface.

    Args:
        port: of the server; 0 lets the system choose.
        agent: name of the agent, which every gauge carries as a label.

    Attributes:
        port: of the server.
        report: says whether the agent is well, and what it waits for; None while it starts.

    Raises:
        InputError: the port is taken.
    """

    def __init__(self, port: int, agent: str) -> None:
        registry = CollectorRegistry()
        self.report: Report | None = None
        self._gauges = {n: Gauge(n, text, ["agent"], registry=registry).labels(agent) for n, text in _GAUGES.items()}
        try:
            application = _application(registry, lambda: STARTING if self.report is None else self.report())
            self._server = make_server("127.0.0.1", port, application, _QuietServer, handler_class=_QuietHandler)
        except OSError as error:
            raise InputError(f"cannot serve metrics on port {port}: {error.strerror}; choose another") from error
        self.port = int(self._server.server_port)
        self._thread = Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def set(self, values: Mapping[str, float | None]) -> None:
        """Sets gauges by name; None leaves one as it is."""
        for name, value in values.items():
            if value is not None:
                self._gauges[name].set(value)

    def close(self) -> None:
        """Ends the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
