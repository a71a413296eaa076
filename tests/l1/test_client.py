"""The client: connecting, reading, and what it says when something is wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_utils.abi import function_signature_to_4byte_selector, get_abi_input_types

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts import abi
from pol_oracle.l1.contracts.artifacts import load_artifact
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.ports import free_port
from pol_oracle.l1.node.rpc import Rpc
from pol_oracle.l1.records import Bond
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.errors import ChainError, InputError, Reverted, Unreachable, WrongChain
from pol_oracle.protocol.lifecycle import Role, Status

ETH = 10**18


@contextmanager
def endpoint(*answers: Callable[[], tuple[int, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """An HTTP server that gives these answers in turn, and the methods it was asked for."""
    asked: list[str] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body["method"])
            status, data = left.pop(0)() if left else (500, b"")
            data = data.replace(b'"id": 1,', b'"id": %d,' % body["id"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that hung up is what the test wanted."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(result: Any) -> Callable[[], tuple[int, bytes]]:
    return lambda: (200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode())


def broken(status: int) -> Callable[[], tuple[int, bytes]]:
    return lambda: (status, b"")


# --- connecting ---


def test_nobody_listens() -> None:
    with pytest.raises(Unreachable, match=r"no answer from L1 at http://127.0.0.1:\d+ \(connection failed\); check"):
        Client.connect(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:8545", "http://", ""])
def test_no_rpc_address(url: str) -> None:
    with pytest.raises(InputError, match="is no RPC address"):
        Client.connect(url)


def test_transient_failures_are_retried() -> None:
    with endpoint(broken(503), broken(429), answer("0x7a69")) as (url, asked):
        assert Client.connect(url).chain_id == 31337
        assert asked == ["eth_chainId"] * 3


def test_retries_end() -> None:
    with endpoint(*[broken(502)] * 9) as (url, asked):
        with pytest.raises(Unreachable, match="HTTP 502"):
            Client.connect(url)
        assert len(asked) == 3


def test_a_wrong_path_is_not_retried() -> None:
    with endpoint(broken(404)) as (url, asked):
        with pytest.raises(Unreachable, match="HTTP 404; check the RPC address"):
            Client.connect(url)
        assert len(asked) == 1


def test_an_endpoint_that_hangs() -> None:
    stop = threading.Event()

    def hang() -> tuple[int, bytes]:
        stop.wait(10)
        return 500, b""

    with endpoint(hang, hang, hang) as (url, _):
        try:
            with pytest.raises(Unreachable, match="timed out"):
                Client.connect(url, timeout_s=0.05)
        finally:
            stop.set()


def test_not_json() -> None:
    with endpoint(*[lambda: (200, b"<html>")] * 3) as (url, _), pytest.raises(Unreachable, match="no JSON"):
        Client.connect(url)


def test_access_keys_in_the_address_are_not_shown() -> None:
    url = f"http://user:hunter2@127.0.0.1:{free_port()}/v3/0123456789abcdef"
    with pytest.raises(Unreachable) as caught:
        Client.connect(url)
    assert "hunter2" not in str(caught.value)
    assert "0123456789abcdef" not in str(caught.value)


def test_another_chain(anvil: str, deployment: Deployment) -> None:
    with pytest.raises(WrongChain, match="is chain 31337, but the deployment is on chain 1;"):
        Client.connect(anvil, deployment.model_copy(update={"chain_id": 1}))


def test_contracts_gone(anvil: str, deployment: Deployment) -> None:
    nowhere = deployment.addresses | {"PoLRegistry": "0x" + "12" * 20}
    with pytest.raises(WrongChain, match="there is no PoLRegistry at 0x1212"):
        Client.connect(anvil, deployment.model_copy(update={"addresses": nowhere}))


def test_another_deployment(anvil: str, deployment: Deployment) -> None:
    with pytest.raises(WrongChain, match="is another deployment"):
        Client.connect(anvil, deployment.model_copy(update={"genesis_id": "0x" + "00" * 32}))


@pytest.mark.parametrize("name", ["BondVault", "LearnToken", "Bounties", "Court", "Demands"])
def test_an_address_that_the_registry_does_not_know(anvil: str, deployment: Deployment, name: str) -> None:
    wrong = deployment.addresses | {name: deployment.addresses["PoLRegistry"]}
    with pytest.raises(WrongChain, match=f"^{name} is '0x.* in the deployment file, but .*restore the file"):
        Client.connect(anvil, deployment.model_copy(update={"addresses": wrong}))


def test_a_client_without_deployment_knows_no_contracts(anvil: str) -> None:
    client = Client.connect(anvil)
    assert client.latest().number > 0
    with pytest.raises(InputError, match="run `pol deploy` first"):
        client.head()


# --- reading ---


def test_l1_blocks(client: Client) -> None:
    latest = client.latest()
    assert client.block(latest.number) == latest
    before = client.block(latest.number - 1)
    assert before is not None
    assert latest.parent_hash == before.hash
    assert before.timestamp <= latest.timestamp
    assert client.block(latest.number + 1) is None


def test_typed_reads_of_a_new_deployment(client: Client, deployment: Deployment, accounts: list[LocalAccount]) -> None:
    genesis = bytes.fromhex(deployment.genesis_id[2:])
    assert client.head() == client.finalized_tip() == genesis
    record = client.block_record(genesis)
    assert (record.status, record.height, record.total_work) == (Status.FINALIZED, 0, 0)
    assert client.block_record(bytes(32)).status is Status.NONE
    me = accounts[1].address
    assert client.bond(me, Role.MINER) == Bond(0, 0)
    assert (record.open_demands, record.held_until) == (0, 0)
    assert client.credit(me) == client.learn(me) == client.attestation(genesis, me) == 0
    assert client.commitment(me, bytes(32)).l1_block == 0
    assert client.balance(me) == 10_000 * ETH


def test_structs_come_as_tuples(client: Client, deployment: Deployment) -> None:
    assert client.call("PoLRegistry", "parameters") == deployment.parameters.astuple()


def test_wrong_function_or_arguments(client: Client) -> None:
    with pytest.raises(InputError, match="Court has no function 'judge'"):
        client.call("Court", "judge")
    with pytest.raises(InputError, match=r"the arguments of PoLRegistry.blocks do not fit"):
        client.call("PoLRegistry", "blocks", "not bytes")
    with pytest.raises(InputError, match="no address of contract 'Bank'"):
        client.call("Bank", "balance")


def test_receipt_of_an_unknown_transaction(client: Client) -> None:
    assert client.receipt(bytes(32)) is None


def test_other_refusals_are_chain_errors(client: Client) -> None:
    with pytest.raises(ChainError, match="refused eth_noSuchMethod"):
        client.rpc.request("eth_noSuchMethod")


# --- refusals ---


def test_a_custom_error_is_decoded_and_readable(client: Client, accounts: list[LocalAccount]) -> None:
    me = accounts[1].address
    request = client.request_for("BondVault", "unbond", (Role.VERIFIER, ETH))
    for attempt in (client.simulate, client.estimate_gas):
        with pytest.raises(Reverted) as caught:
            attempt(request, me)
        error = caught.value
        assert error.name == "InsufficientBond"
        assert error.arguments == {"account": me, "role": Role.VERIFIER, "free": 0, "needed": ETH}
        assert str(error) == (
            f"the contract refused: insufficient bond (account {me}, role verifier, free 0 ETH, needed 1 ETH); "
            "deposit more with `pol bond deposit`"
        )


def test_an_error_of_one_contract_through_another(client: Client, accounts: list[LocalAccount]) -> None:
    with pytest.raises(Reverted) as caught:
        client.simulate(
            client.request_for("PoLRegistry", "attest", (bytes(31) + b"\1", ANY_DIFFICULTY)), accounts[1].address
        )
    assert caught.value.name in {"UnknownBlock", "WrongStatus"}


def test_panic_and_error_string() -> None:
    panic = abi.decode_revert(abi.PANIC + encode(["uint256"], [0x11]))
    assert (panic.name, panic.arguments) == ("Panic", {"code": 0x11})
    assert str(panic) == "the contract panicked: an arithmetic overflow (code 0x11)"
    text = abi.decode_revert(abi.ERROR_STRING + encode(["string"], ["too late"]))
    assert (text.name, str(text)) == ("Error", "the contract refused: too late")


@pytest.mark.parametrize("data", [b"", b"\xde\xad\xbe\xef", abi.PANIC, abi.ERROR_STRING + b"\xff" * 32])
def test_what_cannot_be_decoded_is_still_a_sentence(data: bytes) -> None:
    error = abi.decode_revert(data)
    assert error.name == ""
    assert str(error).startswith("the contract refused")


def test_every_error_of_every_contract_decodes() -> None:
    names = set()
    for contract in abi.CONTRACTS:
        for entry in load_artifact(contract).abi:
            if entry["type"] == "error":
                types = get_abi_input_types(entry)  # type: ignore[arg-type]
                names.add(entry["name"])
                values = [_example(kind) for kind in types]
                signature = f"{entry['name']}({','.join(types)})"
                error = abi.decode_revert(function_signature_to_4byte_selector(signature) + encode(types, values))
                assert error.name == entry["name"]
                assert list(error.arguments) == [item["name"] for item in entry["inputs"]]
    assert set(abi.hints()) <= names, "a hint for an error that no contract has"


def _example(kind: str) -> Any:
    if kind.startswith("("):
        return tuple(map(_example, kind[1:-1].split(",")))
    if kind == "bool":
        return True
    if kind == "address":
        return "0x" + "11" * 20
    return bytes(32) if kind == "bytes32" else 1


def test_revert_data_however_a_node_wraps_it() -> None:
    data = {"code": -32015, "message": "VM execution error", "data": "Reverted 0x4e487b71" + "00" * 31 + "11"}
    nested = {"code": -32000, "message": "revert", "data": {"data": "0x4e487b71" + "00" * 31 + "11"}}
    for error in (data, nested):
        reply = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
        with endpoint(partial(lambda body: (200, body), reply)) as (url, _):
            refusal = Rpc(url).ask("eth_call", {})
        assert abi.decode_revert(refusal.data).name == "Panic"


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b"{}",
        b'{"result": null}',
        b'{"result": "0x1", "error": null}',
        b'{"result": {"number": null, "hash": null}}',
        b'{"result": {"number": "zero"}}',
    ],
)
def test_pitfall_15_answers_that_cannot_be_read_are_no_answers(body: bytes) -> None:
    """Overloaded nodes and proxies say such things; an agent tries again."""
    with endpoint(*[lambda: (200, body)] * 3) as (url, _), pytest.raises(Unreachable):
        Client(Rpc(url), 1).latest()


@pytest.mark.parametrize("error", [b'"busy"', b"7", b'{"code": null, "message": 5}', b'{"code": -32601}'])
def test_pitfall_15_refusals_of_any_form_are_refusals(error: bytes) -> None:
    with endpoint(lambda: (200, b'{"error": ' + error + b"}")) as (url, _), pytest.raises(ChainError, match="refused"):
        Client(Rpc(url), 1).latest()
