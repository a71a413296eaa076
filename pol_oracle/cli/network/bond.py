"""``pol bond``: ETH that miners and verifiers put at stake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.lifecycle import Role

from .. import given, output, session
from ..options import Account, Dev, Json, PasswordFile, RoleName
from ..settings import Settings

if TYPE_CHECKING:
    from pol_oracle.l1.client import Client
    from pol_oracle.l1.records import Bond

app = typer.Typer(no_args_is_help=True, help="Bonds: ETH at stake, one bond per account and role.")


@app.command()
def deposit(
    ctx: typer.Context,
    amount: Annotated[str, typer.Argument(help="ETH to add to the free bond, e.g. 2.5.")],
    role: Annotated[RoleName, typer.Option(help="What the bond is for.")],
    account: Account = None,
    dev: Dev = None,
    password_file: PasswordFile = None,
    beneficiary: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="ADDRESS",
            help="Whose bond it becomes, e.g. of an agent that runs. (default: the signer's)",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Add ETH to an account's bond. The signer pays; with --for, the bond is another account's."""
    from pol_oracle.l1.sending.calls import Call

    settings: Settings = ctx.obj
    wei, other = given.wei(amount), None if beneficiary is None else given.address(beneficiary)
    key = session.account(settings, account, dev, password_file)
    connection = session.client(settings)
    if other is None:
        call = Call("deposit", "BondVault", "deposit", (int(role.role),), wei)
    else:
        call = Call("deposit", "BondVault", "depositFor", (other, int(role.role)), wei)
    with session.transacted(settings, connection, key, [call]):
        _show(settings, connection, other or key.address, json)


@app.command()
def withdraw(
    ctx: typer.Context,
    role: Annotated[RoleName, typer.Option(help="Which bond to take from.")],
    amount: Annotated[
        str | None, typer.Argument(help="ETH to take out. (default: the whole free bond and all credit)")
    ] = None,
    account: Account = None,
    dev: Dev = None,
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Take free bond out, and with it all credit (bounties won).

    Locked bond stays until its blocks and demands are settled.
    """
    from pol_oracle.l1.sending.calls import Call

    settings: Settings = ctx.obj
    wanted = None if amount is None else given.wei(amount)
    key = session.account(settings, account, dev, password_file)
    connection = session.client(settings)
    bond = connection.bond(key.address, role.role)
    if wanted is None and not bond.free and not connection.credit(key.address):
        raise InputError(_nothing(role.role, bond))
    wei = bond.free if wanted is None else wanted
    if wei > bond.free:
        raise InputError(_short_of(wei, role.role, bond))
    calls = [Call("unbond", "BondVault", "unbond", (int(role.role), wei))] if wei else []
    calls.append(Call("collect", "BondVault", "collect", ()))
    with session.transacted(settings, connection, key, calls):
        _show(settings, connection, key.address, json)


@app.command()
def show(
    ctx: typer.Context,
    address: Annotated[
        str | None, typer.Argument(help="Account to look up: 0x..., its first digits, or a name; needs no key.")
    ] = None,
    account: Account = None,
    dev: Dev = None,
    json: Json = False,
) -> None:
    """Show an account's bonds, credit and LEARN."""
    settings: Settings = ctx.obj
    who = _address(settings, address, account, dev)
    _show(settings, session.client(settings), who, json)


def _address(settings: Settings, address: str | None, account: str | None, dev: int | None) -> str:
    """The address that was meant; no password is needed to look."""
    if sum(given is not None for given in (address, account, dev)) != 1:
        raise InputError("name one account: an ADDRESS, --account NAME, or --dev N")
    if address is not None:
        return session.names(settings, session.deployment(settings)).find(address)
    if dev is not None:
        from pol_oracle.l1.devnet.accounts import dev_account

        return str(dev_account(dev).address)
    from pol_oracle.l1.keys import find_key

    assert account is not None
    return find_key(settings.keys, account).address


def _nothing(role: Role, bond: Bond) -> str:
    """Why nothing can be withdrawn."""
    return f"nothing to withdraw: no free {role.name.lower()} bond and no credit{_locked(bond)}"


def _short_of(wei: int, role: Role, bond: Bond) -> str:
    """Why so much cannot be withdrawn."""
    free, who = output.amount(bond.free), role.name.lower()
    return f"cannot withdraw {output.amount(wei)} ETH: {free} ETH of the {who} bond are free{_locked(bond)}"


def _locked(bond: Bond) -> str:
    return f"; {output.amount(bond.locked)} ETH are locked until their blocks are settled" if bond.locked else ""


def _show(settings: Settings, connection: Client, address: str, json: bool) -> None:
    bonds = {role: connection.bond(address, role) for role in Role}
    credit, wallet, learn = connection.credit(address), connection.balance(address), connection.learn(address)
    data = {
        "account": address,
        "bonds": [
            {"role": role.name.lower(), "free": str(bond.free), "locked": str(bond.locked)}
            for role, bond in bonds.items()
        ],
        "credit": str(credit),
        "wallet": str(wallet),
        "learn": str(learn),
    }
    told = {"account": session.names(settings, session.deployment(settings)).full(address)}
    for role, bond in bonds.items():
        locked = f", {output.amount(bond.locked)} ETH locked" if bond.locked else ""
        told[f"{role.name.lower()} bond"] = f"{output.amount(bond.free)} ETH free{locked}"
    told |= {"credit": f"{output.amount(credit)} ETH", "wallet": f"{output.amount(wallet)} ETH"}
    told["rewards"] = f"{output.amount(learn)} LEARN"
    output.emit(data, json, lambda: output.facts(told))
