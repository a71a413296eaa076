// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Difficulty} from "../../../contracts/lib/Difficulty.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Properties of real-valued difficulty that no single vector shows.
contract DifficultyTest {
    uint256 private constant MAX = Difficulty.MAX;
    uint256 private constant BIT = Difficulty.BIT;

    function test_work_never_falls_and_doubles_with_every_bit(uint16 difficulty) public pure {
        uint256 own = difficulty % MAX;
        uint256 work = Difficulty.work(own);
        vm.assertTrue(Difficulty.work(own + 1) >= work, "monotone");
        if (own + BIT > MAX) return;
        uint256 twice = Difficulty.work(own + BIT);
        vm.assertTrue(twice == 2 * work || twice == 2 * work + 1, "doubles but for the rounding");
    }

    function test_more_than_63_bits_are_refused(uint16 difficulty) public {
        if (difficulty <= MAX) difficulty = uint16(MAX + 1);
        vm.expectRevert(abi.encodeWithSelector(Difficulty.DifficultyOutOfRange.selector, difficulty, MAX));
        this.workOf(difficulty);
    }

    /// What a miner found for one difficulty holds for every lower one.
    function test_needed_bits_are_whole_bits_or_one_more_and_never_fall(
        uint16 one,
        uint16 other,
        bytes32 seed,
        bytes32 postRoot
    ) public pure {
        (uint256 low, uint256 high) = one < other ? (one, other) : (other, one);
        uint256 needed = Difficulty.neededBits(high, seed, postRoot);
        vm.assertTrue(needed >= high / BIT && needed <= Difficulty.mostBits(high), "floor or ceiling");
        vm.assertTrue(Difficulty.neededBits(low, seed, postRoot) <= needed, "monotone");
    }

    /// Half a bit: of 1,000 blocks 586 need one more, 2 - 2 * 2^-0.5; the deviation is 16.
    function test_a_fraction_of_blocks_needs_one_more(bytes32 seed) public pure {
        uint256 more = 0;
        for (uint256 i = 0; i < 1000; ++i) {
            more += Difficulty.neededBits(5 * BIT + BIT / 2, seed, bytes32(i)) - 5;
        }
        vm.assertTrue(more > 586 - 96 && more < 586 + 96, "share");
    }

    function test_whole_bits_need_no_more(uint8 bits, bytes32 seed, bytes32 postRoot) public pure {
        vm.assertEq(Difficulty.neededBits(bits % 64 * BIT, seed, postRoot), bits % 64, "needed");
    }

    function test_retargeting_is_clamped_and_never_harder_for_later_blocks(
        uint16[3] memory bounds,
        uint40[2] memory elapsed,
        uint32 interval,
        uint32 halfLife
    ) public pure {
        (uint256 low, uint256 own, uint256 high) = sorted(bounds);
        (uint256 early, uint256 late) = elapsed[0] < elapsed[1] ? (elapsed[0], elapsed[1]) : (elapsed[1], elapsed[0]);
        if (halfLife == 0) halfLife = 1;
        uint256 harder = Difficulty.retarget(own, early, interval, halfLife, low, high);
        uint256 easier = Difficulty.retarget(own, late, interval, halfLife, low, high);
        vm.assertTrue(low <= easier && easier <= harder && harder <= high, "clamped and monotone");
    }

    function test_one_long_interval_makes_no_storm(uint16 own, uint40 elapsed, uint32 interval, uint32 halfLife)
        public
        pure
    {
        if (interval == 0) interval = 1;
        if (halfLife == 0) halfLife = 1;
        uint256 least = own > BIT ? own - BIT : 0;
        uint256 longest = uint256(interval) + halfLife;
        uint256 late = Difficulty.retarget(own, longest + elapsed, interval, halfLife, 0, 1 << 61);
        vm.assertEq(late, least, "a bit at most");
        uint256 sooner = Difficulty.retarget(own, longest - 1, interval, halfLife, 0, 1 << 61);
        vm.assertTrue(sooner >= least, "not below");
    }

    /// Over a branch the moves add up to what its length alone gives, but for less than 1/1024 bit a block.
    function test_retargeting_telescopes(uint16[8] memory intervals, uint32 halfLife) public pure {
        if (halfLife < 36_000) halfLife += 36_000; // no interval is long enough to be cut
        uint256 start = 1 << 60; // far from any bound
        uint256 moved = start;
        uint256 total = 0;
        for (uint256 i = 0; i < intervals.length; ++i) {
            moved = Difficulty.retarget(moved, intervals[i], 30_000, halfLife, 0, 1 << 61);
            total += intervals[i];
        }
        uint256 early = 8 * (30_000 + uint256(halfLife)) - total;
        uint256 atOnce = start + early * BIT / halfLife - 8 * BIT;
        vm.assertTrue(moved <= atOnce && atOnce < moved + 8, "telescopes");
    }

    function test_without_a_target_interval_nothing_moves(uint16 own, uint40 elapsed, uint32 halfLife) public pure {
        vm.assertEq(Difficulty.retarget(own, elapsed, 0, halfLife, 0, 0), own, "fixed");
    }

    function workOf(uint256 difficulty) external pure returns (uint96) {
        return Difficulty.work(difficulty);
    }

    function sorted(uint16[3] memory n) private pure returns (uint256, uint256, uint256) {
        if (n[0] > n[1]) (n[0], n[1]) = (n[1], n[0]);
        if (n[1] > n[2]) (n[1], n[2]) = (n[2], n[1]);
        if (n[0] > n[1]) (n[0], n[1]) = (n[1], n[0]);
        return (n[0], n[1], n[2]);
    }
}
