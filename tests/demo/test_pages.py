"""The explorer that a demo starts."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from pol_oracle.cli.network.explorer import NameBook
from pol_oracle.demo.cast import DemoRole, Party
from pol_oracle.demo.pages import explorer, write_names
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import InputError

ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def test_it_serves_the_chain_and_calls_parties_by_name(deployment: Deployment, tmp_path: Path) -> None:
    deployment.save(tmp_path / "deployment.json")
    write_names(tmp_path, [Party("miner-1", DemoRole.MINER, 1, ADDRESS)])
    with explorer(tmp_path) as url, urllib.request.urlopen(f"{url}/api/account/{ADDRESS}") as answer:  # noqa: S310
        assert json.load(answer)["name"] == "miner-1"


def test_names_are_those_of_today() -> None:
    now, known = [0.0], {"0x1": "miner-1"}

    def read() -> dict[str, str]:
        if "0x2" in known:
            raise InputError("half a file")
        return dict(known)

    names = NameBook(read, lambda: now[0])
    known["0x1"] = "miner-2"
    assert names() == {"0x1": "miner-1"}  # a page asks for each account
    now[0] = 60
    assert names() == {"0x1": "miner-2"}
    known["0x2"], now[0] = "x", 120
    assert names() == {"0x1": "miner-2"}


def test_it_is_an_error_if_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did not start"), explorer(tmp_path):
        pass
