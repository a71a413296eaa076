"""Background work: one thing at a time, cancellable, and never silently lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pol_oracle.agents.work.worker import Cancelled, Done, Worker
from pol_oracle.protocol.errors import StoreError

KEY = bytes(32)


def finished(worker: Worker[int]) -> Done[int] | None:
    worker.close(5)
    return worker.take()


def test_worker_hands_over_a_value_once() -> None:
    worker: Worker[int] = Worker("test")
    worker.start(KEY, lambda cancelled: 7)

    assert finished(worker) == Done(KEY, 7)
    assert worker.take() is None
    assert worker.key is None


def test_worker_that_is_cancelled_has_nothing_to_tell() -> None:
    worker: Worker[int] = Worker("test")

    def work(cancelled: Callable[[], bool]) -> int:
        while not cancelled():
            time.sleep(0.001)
        raise Cancelled

    worker.start(KEY, work)
    with pytest.raises(RuntimeError, match="busy"):
        worker.start(KEY, work)
    assert finished(worker) is None
    assert worker.key is None


def test_worker_tells_expected_errors_and_raises_others() -> None:
    worker: Worker[int] = Worker("test")
    error = StoreError("not there")

    def fail(cancelled: Callable[[], bool]) -> int:
        raise error

    def break_(cancelled: Callable[[], bool]) -> int:
        return 1 // 0

    worker.start(KEY, fail)
    assert finished(worker) == Done(KEY, error)
    worker.start(KEY, break_)
    with pytest.raises(ZeroDivisionError):
        finished(worker)
