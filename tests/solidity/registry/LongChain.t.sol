// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header, Role} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Gas when finality has been stuck for long. (Everyday gas is measured on Anvil: `make gas`.)
/// @dev Isolation makes forge run every call as a transaction of its own, with cold storage.
/// forge-config: default.isolate = true
contract LongChainTest is Fixture {
    uint256 private constant DEEP = 300; // blocks that wait for finality
    address private constant SOMEONE = address(bytes20(keccak256("an address without cheap zero bytes")));

    function setUp() public override {
        super.setUp();
        bond(SOMEONE, Role.Miner, 10 ether);
        bond(MINER, Role.Miner, DEEP * MINER_BOND);
    }

    /// Pitfall 15: what a block on the head needs costs no more than ever, and off the head it grows with the
    /// logarithm.
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
        atMost("propose on the head", 200_000);
        propose(fullHeader(fork, 2));
        atMost("propose off the head", 220_000);
        attestAll(first);
        pass(WINDOW);
        registry.finalize(first, first);
        atMost("finalize", 150_000);
    }

    /// A header without cheap zero bytes.
    function fullHeader(bytes32 parent, uint64 nonce) internal view returns (Header memory header) {
        header = makeHeader(parent, SOMEONE, nonce);
        header.traceRoot = keccak256("trace");
        header.evalRoot = keccak256("eval");
    }

    function atMost(string memory name, uint256 bar) internal view {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        assertTrue(gas <= bar, string.concat(name, " costs ", vm.toString(gas), ", more than ", vm.toString(bar)));
    }
}
