"""``ape run deploy``: the deployment of ``pol deploy``, carried out with ape's accounts and networks.

ape run deploy                                          a rehearsal: on a chain that ends with the command
ape run deploy --network http://127.0.0.1:8545          on the devnet of `pol devnet up`
ape run deploy --network ... --account NAME             with one of ape's own keys
ape run deploy --network ... --force                    over an existing deployment file

The order of the contracts and their constructor arguments come from ``pol_oracle.l1.deploy.plan``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ape
import click
from ape.cli import ConnectedProviderCommand

from pol_oracle.l1.client import Client
from pol_oracle.l1.deploy import describe, plan, verify
from pol_oracle.store import StateStore
from pol_oracle.task import build_workload
from pol_oracle.task_file import load_spec


def account_of(name: str) -> Any:
    """Returns ape's account of that alias, or ``TEST::<n>``: number n of the devnet's well-known ones."""
    kind, _, number = name.partition("::")
    if kind == "TEST" and number.isdigit():
        return ape.accounts.test_accounts[int(number)]
    return ape.accounts.load(name)


@click.command(cls=ConnectedProviderCommand)
@click.option("--task", "task_file", default="tasks/devnet.toml", show_default=True, type=Path, help="Task file.")
@click.option("--account", default="TEST::0", show_default=True, help="Alias of the account that pays.")
@click.option("--force", is_flag=True, help="Replace an existing deployment file.")
@click.option("--home", default=".pol", show_default=True, type=Path, help="Folder of deployment.json, store and data.")
def cli(provider: Any, network: Any, task_file: Path, account: str, force: bool, home: Path) -> None:
    """Deploy the contracts and write the deployment file."""
    path = home / "deployment.json"
    if network.name != "local" and path.exists() and not force:
        raise click.ClickException(f"{path} exists already: replace it with --force, or choose another --home")
    spec = load_spec(task_file)
    store = [str((home / "store").resolve())]
    workload = build_workload(spec, home / "data", store=StateStore(store))
    StateStore(store).put(workload.initial.root, workload.initial.to_bytes())
    sender = account_of(account)
    first = provider.get_block("latest").number + 1
    creations = plan(sender.address, sender.nonce, workload.task, spec.parameters())
    contracts = [sender.deploy(getattr(ape.project, c.name), *c.arguments) for c in creations]
    deployment = describe(
        provider.chain_id,
        provider.http_uri,
        {creation.name: contract.address for creation, contract in zip(creations, contracts, strict=True)},
        workload.task,
        spec.parameters(),
        deployed_at=first,
        spec=spec.model_dump(mode="json"),
        store=store,
        confirmations=spec.chain.confirmations,
    )
    verify(Client.connect(deployment.rpc), deployment)
    for name, address in deployment.addresses.items():
        click.echo(f"{name:12} {address}")
    if network.name == "local":
        click.echo("this chain ends with this command, so no deployment file was written")
        return
    deployment.save(path)
    click.echo(f"written: {path}")
