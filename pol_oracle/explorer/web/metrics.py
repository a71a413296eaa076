"""What Prometheus reads at ``/metrics``: the chain as a whole. Agents have metrics of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from pol_oracle.protocol.lifecycle import Status

from ..facts.book import Book
from ..facts.home import home


def exposition(book: Book) -> bytes:
    """Returns the gauges as they are now."""
    registry, state = CollectorRegistry(), book.state
    facts = home(book)
    share = facts.head.accuracy / 100 if facts.head else 0

    def gauge(name: str, text: str, value: float) -> None:
        Gauge(f"pol_chain_{name}", text, registry=registry).set(value)

    gauge("up", "1 while the explorer follows L1.", float(state.ready and not state.trouble))
    gauge("l1_block", "Last L1 block that was read.", state.l1_block)
    gauge("head_height", "Height of the head.", facts.head.height if facts.head else 0)
    gauge("finalized_height", "Height of the last finalized block.", facts.finalized_height)
    gauge("accuracy_ratio", "Share of the test set that the head's W' is claimed to classify correctly.", share)
    gauge("difficulty_bits", "Difficulty of the head's children, in bits.", facts.next_bits)
    gauge("tries_per_second", "Power of the network over the newest blocks; 0 if unknown.", facts.tries_per_second or 0)
    gauge("block_interval_seconds", "Mean over the newest blocks; 0 if unknown.", facts.mean_interval or 0)
    gauge("disputed_blocks", "Pending blocks with an unanswered demand.", book.reader.count_disputed())
    gauge("locked_eth", "ETH locked in bonds.", float(facts.stake.miners_locked) + float(facts.stake.verifiers_locked))
    gauge("reorgs", "Reorganisations of L1 that this index saw.", book.reader.count_reorgs())
    blocks = Gauge("pol_chain_blocks", "Blocks by status.", ["status"], registry=registry)
    counts = book.reader.by_status()
    for status in Status:
        if status is not Status.NONE:
            blocks.labels(status.name.lower()).set(counts.get(status, 0))
    return generate_latest(registry)
