"""Prometheus metrics of an agent, on request: ``http://127.0.0.1:PORT/metrics``."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from pol_oracle.protocol.errors import InputError

_GAUGES = {
    "pol_difficulty_bits": "Difficulty of the block that is searched for, in bits.",
    "pol_tries": "Nonces tried since the start.",
    "pol_tries_per_second": "Nonces tried per second, over the last half minute.",
    "pol_hit_rate_ratio": "Tries of the last ten minutes that met the requirements, by what the difficulty says.",
    "pol_moving_weights_ratio": "Share of the eligible weights that moved in segments of the last ten minutes.",
    "pol_network_warnings": "What is wrong with the network that is mined on: number of warnings in the log.",
    "pol_segment_step": "Steps done of the training segment that was computed last.",
    "pol_segment_steps": "Steps of a training segment.",
    "pol_training_time_ratio": "Share of the time since the start in which training segments were computed.",
    "pol_accuracy_before_ratio": "Share of the test set that W classifies correctly.",
    "pol_accuracy_after_ratio": "Share of the test set that the last evaluated W' classifies correctly.",
    "pol_head_height": "Height of the chain's head.",
    "pol_finalized_height": "Height of the last finalized block.",
    "pol_blocks_finalized": "Own blocks that were finalized.",
    "pol_rewards_learn": "LEARN earned by own finalized blocks.",
}


class Metrics:
    """Serves gauges over HTTP, on the loopback interface.

    Args:
        port: of the server; 0 lets the system choose.
        agent: name of the agent, which every gauge carries as a label.

    Attributes:
        port: of the server.

    Raises:
        InputError: the port is taken.
    """

    def __init__(self, port: int, agent: str) -> None:
        registry = CollectorRegistry()
        self._gauges = {n: Gauge(n, text, ["agent"], registry=registry).labels(agent) for n, text in _GAUGES.items()}
        try:
            self._server, self._thread = start_http_server(port, "127.0.0.1", registry)
        except OSError as error:
            raise InputError(f"cannot serve metrics on port {port}: {error.strerror}; choose another") from error
        self.port = int(self._server.server_port)

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
