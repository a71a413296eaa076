"""Teams of threads, and large arrays used again."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.canonical.execution.blocks import Blocks
from pol_oracle.canonical.execution.threads import Team, portion
from pol_oracle.protocol.errors import InputError


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_team_does_every_part_once(size: int) -> None:
    team = Team(size)
    seen: list[tuple[int, int]] = []

    def share(part: int, parts: int) -> bool:
        seen.append((part, parts))
        return True

    for _ in range(50):
        seen.clear()
        assert team.run(share)
        assert sorted(seen) == [(part, size) for part in range(size)]


def test_one_part_that_is_not_finite_is_enough() -> None:
    assert not Team(3).run(lambda part, _: part != 1)


@pytest.mark.parametrize("bad", [0, 1])
def test_an_error_in_any_part_is_raised_when_all_have_ended(bad: int) -> None:
    team, ended = Team(2), []

    def share(part: int, _: int) -> bool:
        if part == bad:
            raise KeyError(part)
        ended.append(part)
        return True

    with pytest.raises(KeyError):
        team.run(share)
    assert ended == [1 - bad]
    assert team.run(lambda part, parts: True)


def test_a_team_without_an_owner_ends_its_threads() -> None:
    before = set(threading.enumerate())  # some may end meanwhile
    team = Team(3)
    helpers = [thread for thread in threading.enumerate() if thread not in before]
    assert [helper.name for helper in helpers] == ["canonical"] * 2
    del team
    for helper in helpers:
        helper.join(10)
        assert not helper.is_alive()


def test_a_team_has_at_least_one_thread() -> None:
    with pytest.raises(InputError, match="at least one"):
        Team(0)


@given(st.integers(0, 500), st.integers(1, 9), st.sampled_from([1, 16, 64]))
def test_portions_cover_everything_once_and_are_cut_at_the_grain(total: int, parts: int, grain: int) -> None:
    cuts = [portion(total, part, parts, grain) for part in range(parts)]
    assert [i for first, last in cuts for i in range(first, last)] == list(range(total))
    assert all(first % grain == 0 or first == total for first, _ in cuts)


def test_a_block_is_used_again_only_when_nothing_sees_it_any_more() -> None:
    blocks = Blocks(100)
    first = blocks.take()
    first[:] = 7
    view = first[10:20].reshape(2, 5)
    address = first.ctypes.data
    del first
    other = blocks.take()
    assert other.ctypes.data != address
    other[:] = 0
    assert (view == 7).all()
    del view
    assert blocks.take().ctypes.data == address
    assert np.shares_memory(other, other[3:])
