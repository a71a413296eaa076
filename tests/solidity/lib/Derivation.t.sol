// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Derivation} from "../../../contracts/lib/Derivation.sol";
import {Tags} from "../../../contracts/lib/Tags.sol";
import {RuleSet} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

contract DerivationTest is Fixture {
    /// Pitfall 6: no value twice, none out of range.
    function test_pitfall_06_draws_are_distinct_and_in_range(bytes32 seed, uint8 count_, uint32 bound_, bool shifted)
        public
        pure
    {
        uint256 shift = shifted ? 1 : 0;
        uint256 limit = uint256(bound_) + 1;
        uint256 count = bound(count_, 0, 40);
        vm.assume(count <= ((limit - 1) >> shift) + 1);
        uint32[] memory values = Derivation.draw(Tags.BATCH, seed, count, limit, shift);

        assertEq(values.length, count, "count");
        for (uint256 i = 0; i < count; ++i) {
            assertTrue(values[i] < limit, "out of range");
            for (uint256 j = 0; j < i; ++j) {
                assertTrue(values[i] >> shift != values[j] >> shift, "drawn twice");
            }
        }
    }

    /// Every value comes up when as many are drawn as exist.
    function test_draws_can_exhaust_the_range(bytes32 seed) public pure {
        uint32[] memory values = Derivation.draw(Tags.BATCH, seed, 32, 32, 0);
        uint256 seen = 0;
        for (uint256 i = 0; i < 32; ++i) {
            seen |= 1 << values[i];
        }
        assertEq(seen, type(uint32).max, "all");
    }

    /// Pitfall 4: no value is likelier than another, also where 2**32 is far from a multiple of the bound: with a plain
    /// remainder of 3 * 2**30, values below 2**30 would come up twice as often (chance 1/2 instead of 1/3).
    function test_pitfall_04_draws_are_unbiased() public pure {
        uint256 low = 0;
        for (uint256 i = 0; i < 3000; ++i) {
            if (Derivation.draw(Tags.BATCH, bytes32(i), 1, 3 << 30, 0)[0] < (1 << 30)) ++low;
        }
        assertTrue(low > 870 && low < 1130, "expected 1000 within 5 sigma");
    }

    function test_parities_are_balanced() public pure {
        uint256 odds = 0;
        for (uint256 i = 0; i < 300; ++i) {
            uint32[] memory drawn = Derivation.requirements(bytes32(i), 8, 46_000);
            for (uint256 j = 0; j < 8; ++j) {
                odds += 1 - (drawn[j] & 1);
            }
        }
        assertTrue(odds > 1080 && odds < 1320, "expected 1200 within 5 sigma");
    }

    /// forge-config: default.fuzz.runs = 64
    function test_a_mask_has_so_many_weights(bytes32 seed, uint32 number, uint8 size_) public pure {
        uint256 size = bound(size_, 1, 64);
        uint64 mask = Derivation.mask(seed, number, size);
        uint256 count = 0;
        for (uint256 i = 0; i < 64; ++i) {
            count += (mask >> i) & 1;
        }
        assertEq(count, size, "weights");
    }

    function test_the_papers_requirement_names_one_weight() public pure {
        (uint256 leaf, uint64 mask) = Derivation.within(RuleSet.Paper, 130, 1);
        assertEq(leaf, 2, "leaf");
        assertEq(mask, 4, "mask");
        (leaf, mask) = Derivation.within(RuleSet.Hardened, 130, 10);
        assertEq(leaf, 130, "leaf");
        assertEq(mask, 10, "mask");
    }

    function test_impossible_draws_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(Derivation.CannotDraw.selector, 5, 4));
        this.draw(5, 4, 0);
        vm.expectRevert(abi.encodeWithSelector(Derivation.CannotDraw.selector, 5, 8));
        this.draw(5, 8, 1);
        vm.expectRevert(abi.encodeWithSelector(Derivation.CannotDraw.selector, 0, 0));
        this.draw(0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(Derivation.CannotDraw.selector, 1, (1 << 32) + 1));
        this.draw(1, (1 << 32) + 1, 0);
    }

    /// The paper's seed is the previous block alone: R is known before W is fixed. (Why the default is hardened.)
    function test_paper_seed_binds_the_parent_only(address miner, uint64 nonce) public pure {
        bytes32 plain = Derivation.seed(RuleSet.Paper, "task", "parent", address(0), 0);
        assertEq(Derivation.seed(RuleSet.Paper, "task", "parent", miner, nonce), plain, "paper");
        assertTrue(Derivation.seed(RuleSet.Paper, "task", "other", miner, nonce) != plain, "parent");
    }

    function draw(uint256 count, uint256 limit, uint256 shift) external pure {
        Derivation.draw(Tags.BATCH, 0, count, limit, shift);
    }
}
