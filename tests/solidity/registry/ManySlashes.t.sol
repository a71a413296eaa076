// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Role} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice What is built on a block pays that was beside the head while two thousand others were slashed.
/// @dev Isolation makes forge run every call as a transaction of its own, with cold storage.
/// forge-config: default.isolate = true
contract ManySlashesTest is Fixture {
    uint256 private constant ENTRIES = 24; // of the slash log, that agents have looked at in a call: rules/actions.py
    uint256 private constant CALLS = 84;
    uint256 private constant SLASHES = (CALLS + 1) * ENTRIES - 1; // one more and another call were due
    uint256 private constant DEPTH = 100; // of the fork: the deeper, the more jumps lead down to a slashed height

    bytes32 private fork;
    bytes32[] private branch;

    /// A fork beside the branch that leads, and half of the slashes: all of them are too much for one call here.
    function setUp() public override {
        super.setUp();
        bond(RIVAL, Role.Miner, 3_000 ether);
        bond(MINER, Role.Miner, DEPTH * MINER_BOND);
        branch.push(proposeOn(registry.genesisId(), MINER, 1)); // leads: it is first at each height
        fork = proposeOn(registry.genesisId(), RIVAL, 1);
        for (uint64 i = 1; i < DEPTH; ++i) {
            branch.push(proposeOn(branch[i - 1], MINER, i));
            fork = proposeOn(fork, RIVAL, i);
        }
        slashed(0, SLASHES / 2);
    }

    /// Pitfall 9: an entry costs 12,500 to 16,000 gas here. What agents have looked at beforehand fits the cap on
    /// such calls, and what is left for the proposal fits its own (tests/economics/test_prices.py).
    function test_pitfall_09_a_block_on_a_fork_that_saw_thousands_of_slashes_stays_affordable() public {
        slashed(SLASHES / 2, SLASHES);
        for (uint256 i = 0; i < CALLS; ++i) {
            registry.catchUp(fork, ENTRIES);
            atMost("a call that catches up", 450_000);
        }
        assertEq(registry.blocks(fork).slashesSeen, CALLS * ENTRIES, "entries");
        proposeOn(fork, RIVAL, 999);
        atMost("the proposal", 560_000);
    }

    function slashed(uint256 first, uint256 end) private {
        for (uint256 i = first; i < end; ++i) {
            slashAsBounties(proposeOn(branch[(i * 37) % DEPTH], RIVAL, uint64(1000 + i)));
        }
    }

    function atMost(string memory name, uint256 bar) private view {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        assertTrue(gas <= bar, string.concat(name, " costs ", vm.toString(gas), ", more than ", vm.toString(bar)));
    }
}
