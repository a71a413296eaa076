// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyTree} from "../../../contracts/lib/AccuracyTree.sol";
import {RuleSet, Header, Role, Status, Task} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {Programs} from "../fixtures/Programs.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Counting bits: right for every word, and cheap enough for every test set.
contract AccuracyTreeTest is Fixture {
    uint32 private constant MAX_TEST_COUNT = 1 << 18;
    uint256 private constant GAS_CAP = 1 << 24; // of one transaction (EIP-7825)

    function test_ones_counts_every_bit(bytes32 word) public pure {
        uint256 count = 0;
        for (uint256 i = 0; i < 256; ++i) {
            count += (uint256(word) >> i) & 1;
        }
        vm.assertEq(AccuracyTree.ones(word), count, "ones");
    }

    function test_ones_of_plain_words() public pure {
        vm.assertEq(AccuracyTree.ones(0), 0, "none");
        vm.assertEq(AccuracyTree.ones(bytes32(type(uint256).max)), 256, "all");
        for (uint256 i = 0; i < 256; ++i) {
            vm.assertEq(AccuracyTree.ones(bytes32(1 << i)), 1, "one");
            vm.assertEq(AccuracyTree.ones(bytes32(type(uint256).max >> i)), 256 - i, "the low ones");
        }
    }

    /// Pitfall 9: else whoever demands the bits of a large test set could have an honest block slashed.
    function test_pitfall_09_exhaustion_the_bits_of_the_largest_test_set_fit_one_transaction() public {
        Task memory task = defaultTask(RuleSet.Hardened);
        task.testCount = MAX_TEST_COUNT;
        deploy(task, defaultParameters());
        bond(MINER, Role.Miner, 1 ether);
        bond(VERA, Role.Verifier, 1 ether);
        pass(1);
        bytes32[2][] memory words = new bytes32[2][](MAX_TEST_COUNT / 256);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = [bytes32(type(uint256).max), bytes32(type(uint256).max)]; // dearest as calldata
        }
        words[0][0] = bytes32(type(uint256).max - 1);
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        header.evalRoot = Programs.evalRoot(words);
        (header.correctBefore, header.correctAfter) = (MAX_TEST_COUNT - 1, MAX_TEST_COUNT);
        bytes32 id = propose(header);
        demandBits(VERA, id);

        bytes memory call = abi.encodeCall(reveals.revealBits, (header, bitsPosition(), words));
        vm.prank(MINER);
        (bool answered,) = address(reveals).call{gas: GAS_CAP - 21_000 - 16 * call.length}(call);
        assertTrue(answered, "answered");
        pass(ANSWER);
        assertStatus(id, Status.Pending, "status");
    }
}
