"""The list of a segment's steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pol_oracle.canonical.commitments.segments import SegmentEntry, SegmentList
from pol_oracle.canonical.commitments.trees import merkle_rise
from pol_oracle.protocol.hashing import ZERO, Tag, keccak


def entries(count: int) -> tuple[SegmentEntry, ...]:
    roots = [keccak(number.to_bytes(4, "big")) for number in range(3 * count)]
    return tuple(SegmentEntry(*roots[3 * step : 3 * step + 3]) for step in range(count))


def rooted(top: bytes, count: int) -> bytes:
    return keccak(Tag.SEGMENT_ROOT + count.to_bytes(8, "big") + top)


def test_an_entry_commits_to_batch_inner_tensors_and_state() -> None:
    (entry,) = entries(1)
    assert entry.hash == keccak(Tag.SEGMENT_LEAF + entry.batch_root + entry.inner_root + entry.state_root)
    others = {replace(entry, **{name: ZERO}).hash for name in ("batch_root", "inner_root", "state_root")}
    assert len(others | {entry.hash}) == 4


def test_the_root_counts_its_steps() -> None:
    a, b, c = (entry.hash for entry in entries(3))
    assert SegmentList((a,)).root == rooted(a, 1)
    pair = keccak(Tag.SEGMENT_NODE + a + b)
    assert SegmentList((a, b)).root == rooted(pair, 2)
    top = keccak(Tag.SEGMENT_NODE + pair + keccak(Tag.SEGMENT_NODE + c + ZERO))
    assert SegmentList((a, b, c)).root == rooted(top, 3)
    assert SegmentList((a, b, c, ZERO)).root != SegmentList((a, b, c)).root


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 13])
def test_neighbouring_entries_and_a_path_make_the_root(count: int) -> None:
    """First, middle and last step: the first has no neighbour before it."""
    list_ = SegmentList.of(entries(count))
    for step in range(count):
        shown = {place: list_.hashes[place] for place in (step - 1, step) if place >= 0}
        top = merkle_rise(shown, count, list_.path(step), Tag.SEGMENT_NODE)[-1][0]
        assert rooted(top, count) == list_.root
        assert len(list_.path(step)) <= 2 * count.bit_length()


def test_another_order_is_another_list() -> None:
    a, b, *rest = entries(4)
    assert SegmentList.of((b, a, *rest)).root != SegmentList.of((a, b, *rest)).root
