// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Derivation} from "../../../contracts/lib/Derivation.sol";
import {Difficulty} from "../../../contracts/lib/Difficulty.sol";
import {Block, Header, Parameters, Role, RuleSet} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Difficulty in the registry: who is born with what, what it weighs, and what it demands.
contract RetargetTest is Fixture {
    uint16 private constant START = 4 * 1024 + 512;
    uint16 private constant LEAST = 2 * 1024;
    uint16 private constant MOST = 6 * 1024;
    uint256 private constant TARGET = 60;
    uint256 private constant HALF_LIFE = 360;

    function setUp() public override {
        super.setUp();
        Parameters memory parameters = defaultParameters();
        (parameters.minDifficulty, parameters.difficulty, parameters.maxDifficulty) = (LEAST, START, MOST);
        (parameters.targetInterval, parameters.halfLife) = (uint32(TARGET), uint32(HALF_LIFE));
        deploy(defaultTask(RuleSet.Hardened), parameters);
        bond(MINER, Role.Miner, 50 ether);
        bond(RIVAL, Role.Miner, 50 ether);
        pass(1);
    }

    function test_the_time_since_genesis_says_nothing() public {
        pass(1_000_000);
        Block memory first = registry.blocks(proposeOn(registry.genesisId(), MINER, 1));
        assertEq(first.difficulty, START, "own");
        assertEq(first.childDifficulty, START, "of its children");
    }

    function test_a_child_is_born_with_what_its_parents_pace_gives() public {
        bytes32 first = proposeOn(registry.genesisId(), MINER, 1);
        pass(TARGET + HALF_LIFE / 2);
        bytes32 second = proposeOn(first, MINER, 2);
        assertEq(registry.blocks(second).difficulty, START, "born before");
        assertEq(registry.blocks(second).childDifficulty, START - 512, "half a bit easier");
        pass(TARGET);

        Header memory header = makeHeader(second, MINER, 3);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockProposed(registry.blockIdOf(header), second, MINER, 3, START - 512, header);
        bytes32 third = propose(header);
        assertEq(registry.blocks(third).difficulty, START - 512, "own");
        assertEq(registry.blocks(third).childDifficulty, START - 512, "on time");
    }

    function test_siblings_are_equally_hard_and_their_children_are_not() public {
        bytes32 first = proposeOn(registry.genesisId(), MINER, 1);
        pass(10);
        Block memory early = registry.blocks(proposeOn(first, MINER, 2));
        pass(100);
        Block memory late = registry.blocks(proposeOn(first, RIVAL, 2));
        assertEq(early.difficulty, late.difficulty, "same parent");
        assertEq(early.childDifficulty, Difficulty.retarget(START, 10, TARGET, HALF_LIFE, LEAST, MOST), "early");
        assertEq(late.childDifficulty, Difficulty.retarget(START, 110, TARGET, HALF_LIFE, LEAST, MOST), "late");
    }

    /// Pitfall 16: a block keeps the difficulty it was born with, whatever comes after it.
    function test_pitfall_16_blocks_keep_their_difficulty() public {
        bytes32 id = proposeOn(registry.genesisId(), MINER, 1);
        bytes32 tip = id;
        for (uint64 i = 2; i < 8; ++i) {
            tip = proposeOn(tip, MINER, i);
        }
        assertTrue(registry.blocks(tip).difficulty > START, "it got harder");
        assertEq(registry.blocks(id).difficulty, START, "own");
        assertEq(registry.blocks(id).childDifficulty, START, "of its children");
    }

    function test_one_long_interval_makes_no_storm() public {
        bytes32 first = proposeOn(registry.genesisId(), MINER, 1);
        pass(365 days);
        bytes32 second = proposeOn(first, MINER, 2);
        assertEq(registry.blocks(second).childDifficulty, START - 1024, "half as hard");
    }

    function test_difficulty_stays_within_its_bounds_and_leaves_them_at_once() public {
        bytes32 tip = proposeOn(registry.genesisId(), MINER, 1);
        for (uint64 i = 2; i < 14; ++i) {
            tip = proposeOn(tip, MINER, i); // in the same second
        }
        assertEq(registry.blocks(tip).childDifficulty, MOST, "greatest");
        pass(TARGET + 1);
        tip = proposeOn(tip, MINER, 14);
        assertEq(registry.blocks(tip).childDifficulty, MOST - 3, "leaves it at once");
        for (uint64 i = 15; i < 20; ++i) {
            pass(365 days);
            tip = proposeOn(tip, MINER, i);
        }
        assertEq(registry.blocks(tip).childDifficulty, LEAST, "least");
    }

    /// One hard block outweighs an easy one that was there before.
    function test_the_head_is_the_block_with_most_work_not_the_highest() public {
        bytes32 first = proposeOn(registry.genesisId(), MINER, 1);
        bytes32 quick = proposeOn(first, MINER, 2);
        pass(TARGET + 2 * HALF_LIFE);
        bytes32 slow = proposeOn(first, RIVAL, 2);
        bytes32 onSlow = proposeOn(slow, RIVAL, 3);
        assertEq(registry.head(), onSlow, "first seen");

        bytes32 onQuick = proposeOn(quick, MINER, 3);
        assertEq(registry.head(), onQuick, "more work at the same height");
        uint256 both = 2 * uint256(Difficulty.work(START));
        uint16 own = registry.blocks(onQuick).difficulty;
        assertEq(registry.blocks(onQuick).totalWork, both + Difficulty.work(own), "work");
    }

    /// Half of the blocks at 4.5 bits have a fifth requirement; nobody has a sixth.
    function test_requirements_are_the_whole_bits_and_one_more_where_w_afterwards_says_so() public {
        bytes32 genesis = registry.genesisId();
        uint256 extras = 0;
        for (uint64 nonce = 1; nonce <= 24; ++nonce) {
            Header memory header = makeHeader(genesis, MINER, nonce);
            bytes32 id = propose(header);
            uint256 needed = Difficulty.neededBits(START, seedOf(header), header.postRoot);
            uint32[] memory drawn = Derivation.requirements(seedOf(header), needed, 26);
            for (uint256 number = 0; number < needed; ++number) {
                (uint256 place, uint64 mask, bool odd,,) = requirement(id, header, number);
                assertEq(place, drawn[number] >> 1, "leaf");
                assertEq(mask, Derivation.mask(seedOf(header), uint32(number), MASK), "mask");
                assertTrue(odd == (drawn[number] & 1 == 0), "parity");
            }
            vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NoSuchRequirement.selector, needed, needed));
            requirement(id, header, needed);
            extras += needed - 4;
        }
        assertTrue(extras > 3 && extras < 21, "some, not all");
    }

    function requirement(bytes32 id, Header memory header, uint256 number)
        private
        view
        returns (uint256, uint64, bool, RuleSet, bytes32)
    {
        return registry.requirementOf(id, header.parent, header.miner, header.nonce, header.postRoot, number);
    }
}
