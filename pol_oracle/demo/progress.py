"""From the agents' view of L1 and the parties' fates to what the demo's screen shows. Pure."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import Role
from pol_oracle.view import View
from pol_oracle.watch.snapshot import PartyRow, Snapshot, newest_blocks

from .verdict import WEI, Scene


def snapshot(scene: Scene, view: View, target: int, test_count: int) -> Snapshot:
    """Draws up what the display shows now.

    Args:
        scene: fates so far.
        view: the agents' fold of the same events.
        target: honest blocks to be finalized.
        test_count: |E|.
    """
    names = {p.address: p.name for p in scene.cast}
    title = f"{scene.honest_finalized} of {target} honest blocks finalized, L1 block {view.l1_block}"
    return Snapshot(title, tuple(_party(scene, view)), newest_blocks(view, names, test_count))


def _party(scene: Scene, view: View) -> list[PartyRow]:
    earned = scene.learn()
    rows = []
    for fate in scene.fates():
        party = fate.party
        bond = view.bond(party.address, Role.MINER if party.part.mines else Role.VERIFIER)
        rows.append(
            PartyRow(
                name=party.name,
                part=party.part.value,
                style="green" if party.part.honest else "red" if fate.known else "yellow",
                bond=f"{bond.total / WEI:g}",
                learn=f"{earned.get(party.address, 0) / WEI:g}",
                story=fate.story,
            )
        )
    return rows
