"""Reading L1 and handing it transactions; every answer typed, every refusal decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import ChainError, InputError, NodeTrouble, Reverted, WrongChain
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.protocol.types import Address, BlockId, Wei

from .contracts.abi import decode_answer, decode_revert, encode_call
from .contracts.artifacts import load_artifact
from .contracts.deployment import Deployment
from .events.logs import Log
from .node.answers import in_order, log_of, number, plain_bytes, tag
from .node.node import Node, legible
from .node.rpc import Refusal, Rpc
from .records import BlockRecord, Bond, Commitment, L1Block

EMITTING = ("PoLRegistry", "BondVault", "Bounties", "Demands", "Reveals", "Explanations")
LINKS = {
    "registry": "PoLRegistry",
    "vault": "BondVault",
    "bounties": "Bounties",
    "court": "Court",
    "demands": "Demands",
    "reveals": "Reveals",
    "explanations": "Explanations",
    "token": "LearnToken",
}  # getter -> what it must name
STOP = b"\0"  # code that takes every call and returns nothing


@dataclass(frozen=True)
class Request:
    """What a transaction does, before nonce, gas and fees: 20-byte hex target, calldata, wei."""

    target: str
    data: bytes
    value: Wei = 0


class Client(Node):
    """One L1 endpoint, and one deployment on it.

    Use :meth:`connect`. Every method raises ``Unreachable`` when L1 does not answer, and ``ChainError`` when it
    refuses for another reason than a revert.

    Attributes:
        rpc: the endpoint.
        chain_id: EIP-155 chain id of L1.
        deployment: None before there is one; then only the methods that need no contract work.
    """

    def __init__(self, rpc: Rpc, chain_id: int, deployment: Deployment | None = None) -> None:
        super().__init__(rpc)
        self.chain_id = chain_id
        self.deployment = deployment

    @classmethod
    def connect(cls, rpc: str, deployment: Deployment | None = None, *, timeout_s: float = 10.0) -> Client:
        """Connects, and checks that the endpoint serves the deployment's chain and holds its contracts.

        Args:
            rpc: http(s) URL.
            deployment: where our contracts are, or None to talk to L1 alone.
            timeout_s: how long to wait for one answer, in seconds.

        Raises:
            InputError: the URL is not one of HTTP.
            Unreachable: no answer.
            WrongChain: another chain, or the contracts are not there.
        """
        client = cls(Rpc(rpc, timeout_s), 0, deployment)
        client.chain_id = client.served_chain()
        client.verify()
        return client

    @legible
    def verify(self) -> None:
        """Checks that this is the deployment's chain, and that its contracts are there and the registry's own.

        Raises:
            WrongChain: they are not.
        """
        if self.deployment is None:
            return
        expected = self.deployment.chain_id
        found = self.served_chain()
        if found != expected:
            raise WrongChain(
                f"L1 at {self.rpc.place} is chain {found}, but the deployment is on chain {expected}; "
                "give the RPC address of that chain, or another deployment file"
            )
        try:
            genesis = self.call("PoLRegistry", "genesisId")
        except Reverted:  # some other contract stands there
            genesis = None
        if genesis != bytes.fromhex(self.deployment.genesis_id.removeprefix("0x")):
            raise WrongChain(
                f"the registry at {self.address_of('PoLRegistry')} on {self.rpc.place} is another deployment; "
                f"give its own deployment file, or run {pol('deploy')}"
            )
        self.verify_links("PoLRegistry", "Bounties")

    def verify_links(self, *contracts: str) -> None:
        """Checks that each of these contracts names the others as the deployment does.

        Raises:
            WrongChain: one does not.
        """
        for name in contracts:
            getters = {e["name"] for e in load_artifact(name).abi if e["type"] == "function" and not e["inputs"]}
            for link in sorted(getters & set(LINKS)):
                self.expect(name, link, self.address_of(LINKS[link]), LINKS[link])

    def expect(self, contract: str, function: str, value: Any, what: str) -> None:
        """Checks that L1 answers what the deployment file says.

        Args:
            contract: whom to ask.
            function: its getter.
            value: what it must answer.
            what: what that value is, in words.

        Raises:
            WrongChain: it answers something else.
        """
        found = self.call(contract, function)
        if found != value:
            raise WrongChain(
                f"{what} is {value!r} in the deployment file, but {contract}.{function}() on {self.rpc.place} is "
                f"{found!r}; restore the file, or run {pol('deploy --force')}"
            )

    def identity(self) -> str:
        """Returns what tells this chain and deployment from all others, also from a new devnet with the same id.

        It is the deployment's first block that does, and not block 0, of which an Anvil that was started again has two
        and shows either.

        Raises:
            NodeTrouble: L1 does not show that block.
        """
        at, registry = 0, "none"
        if self.deployment is not None:
            at, registry = self.deployment.deployed_at, self.address_of("PoLRegistry")
        block = self.block(at)
        if block is None:
            raise NodeTrouble(f"L1 does not show its block {at}; check the RPC address")
        return f"chain {self.chain_id} block {at} 0x{block.hash.hex()} registry {registry}"

    def address_of(self, contract: str) -> str:
        """Returns the address of one of our contracts by its name, e.g. "Court".

        Raises:
            InputError: no such contract, or no deployment.
        """
        addresses = self.deployment.addresses if self.deployment is not None else {}
        try:
            return str(to_checksum_address(addresses[contract]))
        except KeyError as error:
            raise InputError(f"no address of contract {contract!r} is known; run {pol('deploy')} first") from error

    # --- L1 itself ---

    @legible
    def logs(self, first: int, last: int) -> list[Log] | None:
        """Returns what our contracts logged in the L1 blocks ``first``..``last``, both included, in order.

        None means that L1 reorganised in between: ask again.

        Raises:
            ChainError: the endpoint finds the range too long, for one.
        """
        stamps: dict[str, int] = {}
        found: list[Log] = []
        for entry in self._emitted(fromBlock=hex(first), toBlock=hex(last)):
            block_hash = entry["blockHash"]
            if block_hash not in stamps:
                stamp = entry.get("blockTimestamp") or self._timestamp(block_hash)
                if stamp is None:
                    return None
                stamps[block_hash] = number(stamp)
            found.append(log_of(entry, stamps[block_hash]))
        if not all(first <= log.at.l1_block <= last for log in found):
            raise ValueError("logs of other L1 blocks")
        return in_order(found)

    @legible
    def logs_of(self, block: L1Block) -> list[Log]:
        """Returns what our contracts logged in one L1 block, by its hash (EIP-234).

        Raises:
            ChainError: the endpoint does not have that block.
        """
        found = [log_of(entry, block.timestamp) for entry in self._emitted(blockHash=f"0x{block.hash.hex()}")]
        if not all((log.at.l1_block, log.at.l1_hash) == (block.number, block.hash) for log in found):
            raise ValueError("logs of another L1 block")
        return in_order(found)

    def _emitted(self, **where: str) -> Sequence[Mapping[str, Any]]:
        """What our contracts logged somewhere, and nobody else."""
        ours = [self.address_of(name) for name in EMITTING]
        found: Sequence[Mapping[str, Any]] = self.rpc.request("eth_getLogs", {**where, "address": ours})
        if not {entry["address"].lower() for entry in found} <= {address.lower() for address in ours}:
            raise ValueError("logs of other contracts")
        return found

    def _timestamp(self, block_hash: str) -> str | None:
        found = self.rpc.request("eth_getBlockByHash", block_hash, False)
        return found["timestamp"] if found else None

    # --- contracts ---

    def request_for(self, contract: str, function: str, arguments: Sequence[Any], value: Wei = 0) -> Request:
        """Returns the transaction that calls a function of one of our contracts."""
        return Request(self.address_of(contract), encode_call(contract, function, arguments), value)

    def call(self, contract: str, function: str, *arguments: Any, at: int | str = "latest") -> Any:
        """Reads a contract: returns one value, or a tuple of several; addresses checksummed, structs as tuples.

        Raises:
            Reverted: it refused.
            WrongChain: there is no contract at that address.
            NodeTrouble: there is one, and what came is no answer of this function.
        """
        request = self.request_for(contract, function, arguments)
        data = self.simulate(request, None, at)
        try:
            return decode_answer(contract, function, data)
        except DecodingError as error:
            if self.rpc.request("eth_getCode", request.target, "latest") != "0x":
                raise NodeTrouble(
                    f"what L1 at {self.rpc.place} answers to {contract}.{function}() cannot be read; is it another "
                    "version's contract?"
                ) from error
            raise WrongChain(
                f"there is no {contract} at {request.target} on {self.rpc.place}; has the devnet lost its state? "
                f"Run {pol('deploy')} or give another deployment file"
            ) from error

    @legible
    def simulate(
        self,
        request: Request,
        sender: Address | None,
        at: int | str = "latest",
        *,
        gas: int | None = None,
        code: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """Runs a transaction without sending it and returns what it answered.

        Args:
            request: the transaction.
            sender: who would send it.
            at: after which L1 block.
            gas: its limit.
            code: address -> code that stands there for the time of this call.

        Raises:
            Reverted: it would be refused.
        """
        return plain_bytes(self._try("eth_call", request, sender, at, gas, code))

    @legible
    def estimate_gas(
        self, request: Request, sender: Address, at: int | str = "latest", *, code: Mapping[str, bytes] | None = None
    ) -> int:
        """Returns the gas that a transaction needs; see :meth:`simulate`.

        Raises:
            Reverted: it would be refused.
        """
        return number(self._try("eth_estimateGas", request, sender, at, None, code))

    def _try(
        self,
        method: str,
        request: Request,
        sender: Address | None,
        at: int | str,
        gas: int | None,
        code: Mapping[str, bytes] | None,
    ) -> Any:
        fields = {"to": request.target, "data": f"0x{request.data.hex()}", "value": hex(request.value)}
        if sender is not None:
            fields["from"] = sender
        if gas is not None:
            fields["gas"] = hex(gas)
        overrides = [{place: {"code": f"0x{bytes_.hex()}"} for place, bytes_ in code.items()}] if code else []
        answer = self.rpc.ask(method, fields, tag(at), *overrides)
        if not isinstance(answer, Refusal):
            return answer
        if answer.reverted:
            raise decode_revert(answer.data, answer.message)
        raise ChainError(f"L1 at {self.rpc.place} refused {method}: {answer.message}")

    # --- our contracts, typed ---

    def head(self, at: int | str = "latest") -> BlockId:
        """Returns the id of the head."""
        return bytes(self.call("PoLRegistry", "head", at=at))

    def finalized_tip(self, at: int | str = "latest") -> BlockId:
        """Returns the id of the newest finalized block."""
        return bytes(self.call("PoLRegistry", "finalizedTip", at=at))

    def block_record(self, block_id: BlockId) -> BlockRecord:
        """Returns what storage keeps of a block; status NONE if it is unknown."""
        miner, proposed_at, status, *rest = self.call("PoLRegistry", "blocks", block_id)
        return BlockRecord(miner, proposed_at, Status(status), *rest)

    def attestation(self, block_id: BlockId, verifier: Address) -> int:
        """Returns 0: none, 1: attested, 2: settled."""
        return int(self.call("PoLRegistry", "attestationOf", block_id, verifier))

    def bond(self, account: Address, role: Role, at: int | str = "latest") -> Bond:
        """Returns an account's bond in a role."""
        return Bond(*self.call("BondVault", "bondOf", account, role, at=at))

    def credit(self, account: Address, at: int | str = "latest") -> int:
        """Returns what an account can collect, in wei."""
        return int(self.call("BondVault", "creditOf", account, at=at))

    def learn(self, account: Address) -> int:
        """Returns an account's LEARN, in the token's smallest unit."""
        return int(self.call("LearnToken", "balanceOf", account))

    def commitment(self, challenger: Address, commitment: bytes) -> Commitment:
        """Returns a committed challenge."""
        return Commitment(*self.call("Bounties", "commitmentOf", challenger, commitment))
