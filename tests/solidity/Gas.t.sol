// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RequirementEvidence} from "../../contracts/interfaces/ICourt.sol";
import {EvidenceKind, Header, Role} from "../../contracts/Types.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice Gas of whole transactions (base fee and calldata included) against tests/golden/gas.json, within 1 %.
/// @dev Isolation makes forge run every call as a transaction of its own, with cold storage. gas.py next to this file
/// prints the table and, with --write, checks new figures in; it sets GAS_PRINT, so that nothing is compared.
/// forge-config: default.isolate = true
contract GasTest is Fixture {
    uint256 private constant DEEP = 300; // blocks that wait for finality
    address private constant SOMEONE = address(bytes20(keccak256("an address without cheap zero bytes")));

    string private checkedIn;

    event log_named_uint(string name, uint256 gas);

    function setUp() public override {
        super.setUp();
        checkedIn = vm.readFile("tests/golden/gas.json");
        bond(SOMEONE, Role.Miner, 10 ether);
        bond(MINER, Role.Miner, DEEP * MINER_BOND);
    }

    function test_gas_of_a_block() public {
        bytes32 parent = finalizedOn(registry.genesisId(), RIVAL, 1);
        Header memory header = fullHeader(parent, 1);
        bytes32 id = propose(header);
        atMost("propose", 200_000);
        attest(id, VERA);
        atMost("attest", 80_000);
        attest(id, VICTOR);
        pass(WINDOW);
        registry.finalize(id);
        atMost("finalize", 150_000);
        registry.settleAttestation(id, VERA);
        measured("settleAttestation");
    }

    /// Pitfall 15: nothing that an honest block needs grows with the number of blocks that wait for finality.
    function test_pitfall_15_gas_with_a_long_unfinalized_chain() public {
        bytes32 parent = finalizedOn(registry.genesisId(), RIVAL, 1);
        bytes32 first = proposeOn(parent, MINER, 1);
        bytes32 fork = first;
        bytes32 tip = first;
        for (uint64 i = 0; i < DEEP; ++i) {
            fork = tip;
            tip = proposeOn(tip, MINER, 2 + i);
        }
        propose(fullHeader(tip, 1));
        atMost("propose on 300 unfinalized", 200_000);
        propose(fullHeader(fork, 2));
        measured("propose off the head on 300 unfinalized");
        attestAll(first);
        pass(WINDOW);
        registry.finalize(first);
        atMost("finalize under 300 unfinalized", 150_000);
    }

    function test_gas_of_a_proof() public {
        bytes32 genesis = registry.genesisId();
        (Header memory header, uint32[][] memory afterwards) = makeForged(genesis, MINER, 1, 0, 0);
        bytes32 id = propose(header);
        bytes32 child = proposeOn(id, MINER, 2);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        commit(VICTOR, id, EvidenceKind.Step, 0);
        commitTo(VERA, id, evidence);
        measured("commit");
        pass(1);
        prove(VERA, header, evidence);
        measured("proveRequirement");
        pass(REVEAL);
        registry.forfeitBond(id);
        measured("forfeitBond");
        pass(WINDOW);
        registry.orphan(child);
        measured("orphan");
    }

    function test_gas_of_a_dispute() public {
        bytes32 id = proposeOn(registry.genesisId(), MINER, 1);
        dispute(VERA, id, EvidenceKind.Step);
        measured("openDispute");
        vote(VERA, id, EvidenceKind.Step, true);
        measured("vote");
        vote(VICTOR, id, EvidenceKind.Step, true);
        court.settleDispute(id, EvidenceKind.Step);
        measured("settleDispute");
    }

    function test_gas_of_money() public {
        bond(SOMEONE, Role.Verifier, 1 ether);
        measured("deposit");
        vm.prank(SOMEONE);
        vault.unbond(Role.Verifier, 1 ether);
        measured("unbond");
        vm.prank(SOMEONE);
        vault.collect();
        measured("collect");
    }

    /// A header without cheap zero bytes.
    function fullHeader(bytes32 parent, uint64 nonce) internal view returns (Header memory header) {
        header = makeHeader(parent, SOMEONE, nonce);
        header.traceRoot = keccak256("trace");
        header.evalRoot = keccak256("eval");
    }

    function atMost(string memory name, uint256 bar) internal {
        uint256 gas = measured(name);
        assertTrue(gas <= bar, string.concat(name, " costs ", vm.toString(gas), ", more than ", vm.toString(bar)));
    }

    function measured(string memory name) internal returns (uint256 gas) {
        gas = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(name, gas);
        if (vm.envOr("GAS_PRINT", false)) return gas;

        uint256 expected = vm.parseJsonUint(checkedIn, string.concat("['", name, "']"));
        uint256 gap = gas > expected ? gas - expected : expected - gas;
        assertTrue(
            100 * gap <= expected,
            string.concat(name, " costs ", vm.toString(gas), ", not ", vm.toString(expected), " as in gas.json")
        );
    }
}
