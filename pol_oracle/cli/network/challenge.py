"""``pol challenge``: replay one block and bring what is wrong with it to the Court, or show what that would take."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import InputError, NotMined, Reverted
from pol_oracle.protocol.lifecycle import Status

from .. import output, session
from ..options import Account, Dev, Json, PasswordFile, States, Threads
from ..settings import Settings
from .blocks import BlockArgument, find, findings, judgement

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from pol_oracle.agents.rules.verdicts import Invalid, Verdict
    from pol_oracle.l1.client import Client
    from pol_oracle.l1.sending.calls import Call
    from pol_oracle.view import View
    from pol_oracle.view.blocks import BlockView

POLL_S = 0.2
ZEROS = bytes.fromhex("60206000f3")  # code that answers every call with a word of zeros


def challenge(
    ctx: typer.Context,
    block: BlockArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; show every call and its gas.")] = False,
    store: States = None,
    account: Account = None,
    dev: Dev = None,
    password_file: PasswordFile = None,
    demand: Annotated[
        bool,
        typer.Option("--demand", help="Demand on L1 what a proof needs first; each demand locks a fee of your bond."),
    ] = False,
    threads: Threads = 1,
    json: Json = False,
) -> None:
    """Replay a block, commit to a proof of what is wrong with it, and show the proof in the next L1 block.

    What only the miner knows of what a proof takes has to be demanded on L1 first (--demand), from the header down to
    one value: give the command again each time it is answered.
    """
    settings: Settings = ctx.obj
    found = session.deployment(settings)
    anonymous = dry_run and account is None and dev is None
    key = None if anonymous else session.account(settings, account, dev, password_file)
    connection = session.client(settings, found)
    view = session.history(connection, found).view
    wanted = _judgeable(find(view, block), view, None if key is None else str(key.address))

    from pol_oracle.agents.rules.verdicts import Unavailable, Valid, accusation
    from pol_oracle.agents.work.replay import Replayer

    with session.following(settings, found, view, store, threads) as follower:
        verdict = Replayer(follower)(wanted, view.lineage(wanted.parent), wanted.shown, lambda: False)
    plan = plan_of(connection, wanted, verdict, key)
    values = {"id": output.hex0x(wanted.id), **findings(verdict), "sent": not dry_run}
    if not dry_run:
        if isinstance(verdict, Valid) and not plan.steps:
            raise InputError(f"block {values['id']} is right: the replay gives the same bits, nothing to challenge")
        if isinstance(accusation(verdict), Unavailable) and plan.steps and not demand:
            fee = found.parameters.demand_fee / 10**18
            raise InputError(
                f"block {values['id']} is wrong: {values['reason']}. What proves it must be shown on L1 first: give "
                f"--demand, which locks {fee:g} ETH of your bond until the block is judged"
            )
        assert key is not None
        _send(settings, connection, key, plan)
    values["calls"] = [_told(connection, step, plan.sender) for step in plan.steps] if dry_run else _named(plan)
    output.emit(values, json, lambda: _print(values))


def _judgeable(block: BlockView, view: View, challenger: str | None) -> BlockView:
    """The block, if this challenger (None: nobody in particular) can bring something against it; before it is replayed.

    Raises:
        InputError: it cannot.
    """
    if block.header is None:
        raise InputError("genesis holds no step to challenge: name a later block")
    if block.status in (Status.FINALIZED, Status.ORPHANED):
        raise InputError(
            f"block {output.hex0x(block.id)} is {block.status.name.lower()}: nothing can be brought against it any "
            f"more; {pol('blocks verify')} replays it all the same"
        )
    first = block.bounty[1] if block.bounty is not None else 0
    own = (made.order for (who, _), made in view.commitments.items() if who == challenger)
    if block.status is Status.SLASHED and not any(order < first for order in own):
        raise InputError(
            f"block {output.hex0x(block.id)} is slashed already, and whoever committed to its proof first has the "
            f"bounty: nothing is left to win; {pol('blocks verify')} replays it all the same"
        )
    return block


@dataclass(frozen=True)
class Step:
    """One call that a challenge takes.

    Attributes:
        call: what is sent.
        about: what it shows or demands, in words.
        uncommitted: it can only be tried as if it had been committed to.
        after: L1 block that must be over before; None if there is none.
    """

    call: Call
    about: str
    uncommitted: bool = False
    after: int | None = None


@dataclass(frozen=True)
class ChallengePlan:
    """All calls, in order, and who sends them."""

    steps: tuple[Step, ...]
    sender: str


def plan_of(connection: Client, block: BlockView, verdict: Verdict, key: LocalAccount | None) -> ChallengePlan:
    """Returns the calls that a verdict leads to.

    Args:
        connection: to L1.
        block: the block.
        verdict: what the replay found.
        key: of the challenger; None: nobody's in particular, for a look.
    """
    from pol_oracle.agents.respond import call_of
    from pol_oracle.agents.rules.actions import Demand
    from pol_oracle.agents.rules.verdicts import Invalid, accusation
    from pol_oracle.view.blocks import NOBODY

    me = NOBODY if key is None else str(key.address)
    wrong = accusation(verdict)
    if isinstance(wrong, Invalid):
        return ChallengePlan(_proving(connection, block, wrong, key), me)
    if wrong is None or block.header is None or any(d.position == wrong.lacks.position for d in block.open_demands):
        return ChallengePlan((), me)
    call = call_of(Demand(block.id, block.header, wrong.lacks))
    return ChallengePlan((Step(call, str(wrong.lacks.position)),), me)


def _proving(connection: Client, block: BlockView, wrong: Invalid, key: LocalAccount | None) -> tuple[Step, ...]:
    from pol_oracle.agents.respond import Committer
    from pol_oracle.agents.rules.actions import Prove
    from pol_oracle.l1.sending.calls import Call
    from pol_oracle.protocol.hashing import ZERO

    action = Prove(block.id, wrong.proof)
    if key is None:
        call = Call(action.key, "Court", wrong.proof.function, (*wrong.proof.arguments, ZERO))
        return (Step(call, wrong.reason, uncommitted=True),)
    challenge = Committer(key)(action)
    made = connection.commitment(str(key.address), challenge.commitment)
    if made.l1_block:
        early = connection.latest().number <= made.l1_block
        return (Step(challenge.prove, wrong.reason, early, made.l1_block),)
    commit = Step(challenge.commit, "a commitment to the proof")
    return commit, Step(challenge.prove, wrong.reason, uncommitted=True)


def _send(settings: Settings, connection: Client, key: LocalAccount, plan: ChallengePlan) -> None:
    """Sends the calls one by one; a proof waits for an L1 block after its commitment's."""
    after = None
    for step in plan.steps:
        if step.call.contract == "Court":
            _wait(connection, step.after if after is None else after)
        with session.transacted(settings, connection, key, [step.call]):
            after = connection.latest().number


def _wait(connection: Client, after: int | None) -> None:
    from pol_oracle.l1.node.pace import patience_s

    limit_s = patience_s(connection, 0)
    deadline = time.monotonic() + limit_s
    while after is not None and connection.latest().number <= after:
        if time.monotonic() > deadline:
            raise NotMined(f"no L1 block came after the commitment's within {limit_s:g} s: give the command again")
        time.sleep(POLL_S)


def _named(plan: ChallengePlan) -> list[dict[str, Any]]:
    return [{"contract": s.call.contract, "function": s.call.function, "about": s.about} for s in plan.steps]


def _told(connection: Client, step: Step, sender: str) -> dict[str, Any]:
    """What a call would take; a refusal is told, as it may pass: bonds can be deposited."""
    call = step.call
    request = call.request(connection)
    gas, refused = None, None
    try:
        gas = connection.estimate_gas(request, sender, code=_committed(connection) if step.uncommitted else None)
    except Reverted as error:
        refused = str(error)
    return {
        "contract": call.contract,
        "function": call.function,
        "about": step.about,
        "bytes": len(request.data),
        "gas": gas,
        "gas_with_slash": not step.uncommitted,
        "refused": refused,
    }


def _committed(connection: Client) -> dict[str, bytes]:
    """Lets a proof pass for the time of a call that was not committed to; what follows from it does not happen."""
    return {connection.address_of("Bounties"): ZEROS}


def _print(values: dict[str, Any]) -> None:
    typer.echo(f"block {values['id']} is {judgement(values)}")
    for call in values["calls"]:
        name = f"{call['contract']}.{call['function']}"
        if values["sent"]:
            typer.echo(f"sent: {name}: {call['about']}")
            continue
        of = "" if call["gas_with_slash"] else " (and the slash)"
        cost = f"{call['gas']:,} gas{of}" if call["gas"] is not None else call["refused"]
        typer.echo(f"would send: {name}, {call['bytes']:,} bytes, {cost}: {call['about']}")
