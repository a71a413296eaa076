"""From a task file to a network that agents can join; behind ``pol deploy`` and the demo alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.deploy import deploy
from pol_oracle.l1.sending.fees import FeePolicy
from pol_oracle.store import StateStore
from pol_oracle.task import Workload


def launch(
    client: Client,
    account: LocalAccount,
    workload: Workload,
    store: Sequence[str],
    fees: FeePolicy | None = None,
    file: Path | None = None,
) -> Deployment:
    """Deploys the contracts for a task and puts its initial weights into the store.

    Args:
        client: connected to L1; needs no deployment.
        account: pays, and has no rights afterwards.
        workload: the task, as this machine computes it.
        store: URLs of the store; the first one is written to.
        fees: how much to offer.
        file: the deployment file to write; what is sent is remembered beside it until then.
        fees: how much to offer.

    Raises:
        InputError: the account cannot pay, or the store cannot be used.
        StoreError: the store cannot be written to.
        ChainError: L1 did not create the contracts.
    """
    StateStore(store).put(workload.initial.root, workload.initial.to_bytes())  # first: it is the cheaper to fail
    return deploy(
        client,
        account,
        workload.task,
        workload.spec.parameters(),
        spec=workload.spec.model_dump(mode="json"),
        store=store,
        confirmations=workload.spec.chain.confirmations,
        fees=fees,
        file=file,
    )
