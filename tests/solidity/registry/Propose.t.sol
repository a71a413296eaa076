// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {ICourt} from "../../../contracts/interfaces/ICourt.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Block, Header, Role, RuleSet, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

contract ProposeTest is Fixture {
    function test_stores_block_moves_head_and_locks_bond() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        bytes32 expected = keccak256(abi.encode(registry.taskId(), header));

        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockProposed(expected, header.parent, MINER, 1, DIFFICULTY, header);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.HeadChanged(expected, uint96(1) << BITS);
        vm.expectEmit(address(vault));
        emit IBondVault.Locked(MINER, Role.Miner, MINER_BOND);
        bytes32 id = propose(header);

        Block memory stored = registry.blocks(id);
        assertEq(id, expected, "id");
        assertEq(stored.miner, MINER, "miner");
        assertEq(stored.proposedAt, block.timestamp, "proposed at");
        assertStatus(id, Status.Pending, "status");
        assertEq(stored.difficulty, DIFFICULTY, "difficulty");
        assertEq(stored.childDifficulty, DIFFICULTY, "difficulty of its children");
        assertEq(stored.parent, header.parent, "parent");
        assertEq(stored.jump, header.parent, "jump");
        assertEq(stored.totalWork, 1 << BITS, "work");
        assertEq(stored.height, 1, "height");
        assertEq(stored.sequence, 1, "sequence");
        assertEq(registry.head(), id, "head");
        assertEq(locked(MINER, Role.Miner), MINER_BOND, "locked");
    }

    function test_equal_work_does_not_move_the_head() public {
        bytes32 genesis = registry.genesisId();
        bytes32 first = proposeOn(genesis, MINER, 1);
        bytes32 second = proposeOn(genesis, RIVAL, 1);
        assertEq(registry.head(), first, "first seen wins a tie");

        bytes32 third = proposeOn(second, RIVAL, 2);
        assertEq(registry.head(), third, "more work wins");
    }

    /// Times are kept in 40 bits: what does not fit is refused, since a block of the year 0 would be judged at once.
    function test_a_time_that_does_not_fit_is_refused() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        vm.warp(1 << 40);

        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 40, 1 << 40));
        vm.prank(MINER);
        registry.propose(header, ANY_DIFFICULTY);
    }

    /// Pitfall 1: a proof copied from the mempool.
    function test_pitfall_01_copied_header_under_another_address_is_refused() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotMiner.selector, MINER, RIVAL));
        vm.prank(RIVAL);
        registry.propose(header, ANY_DIFFICULTY);
    }

    /// Pitfall 1: the copied header with the thief's own address in it: the batch is derived for the victim.
    function test_pitfall_01_copied_proof_with_own_address_has_the_wrong_batch() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        header.miner = RIVAL;
        uint32[] memory derived = derivedIndices(header);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.IndexMismatch.selector, 0, derived[0], header.indices[0]));
        propose(header);
    }

    /// Pitfall 1: the copied weights under the thief's own batch are a block of the thief's, with the thief's
    /// requirements, which the proof does not meet but by luck.
    function test_pitfall_01_requirements_change_with_the_miner() public view {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        bytes32 seed = seedOf(header);
        header.miner = RIVAL;
        assertTrue(seedOf(header) != seed, "seed binds the miner");
    }

    /// Pitfall 4: under hardened rules nothing of the batch is the miner's choice.
    function test_pitfall_04_grinding_chosen_indices_are_refused(uint256 position, uint32 chosen) public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        position = bound(position, 0, header.indices.length - 1);
        uint32 derived = header.indices[position];
        vm.assume(chosen != derived);
        header.indices[position] = chosen;

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.IndexMismatch.selector, position, derived, chosen));
        propose(header);
    }

    /// Pitfall 4: nonce, miner and parent are in the seed, and W follows from the parent.
    function test_pitfall_04_grinding_seed_changes_with_all_that_the_miner_chooses() public view {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        bytes32 seed = seedOf(header);
        header.nonce = 2;
        assertTrue(seedOf(header) != seed, "nonce");
        header.nonce = 1;
        header.parent = "other";
        assertTrue(seedOf(header) != seed, "parent");
        header.parent = registry.genesisId();
        header.preRoot = "other";
        assertEq(seedOf(header), seed, "the miner's roots are not");
    }

    /// Pitfall 6: batch size is the task's.
    function test_pitfall_06_batch_size_is_pinned() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        header.indices = new uint32[](3);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongBatchSize.selector, 4, 3));
        propose(header);
    }

    /// Pitfall 6: under the paper's rules the miner chooses the batch, but no sample twice.
    function test_pitfall_06_duplicate_indices_are_refused_under_paper_rules() public {
        usePaper();
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        (header.indices[0], header.indices[3]) = (7, 7);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.DuplicateIndex.selector, 7));
        propose(header);
    }

    function test_index_out_of_range_is_refused_under_paper_rules() public {
        usePaper();
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        header.indices[2] = 8192;

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.IndexOutOfRange.selector, 2, 8192, 8192));
        propose(header);
    }

    function test_chosen_indices_pass_under_paper_rules() public {
        usePaper();
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        for (uint32 i = 0; i < 4; ++i) {
            header.indices[i] = 8191 - i;
        }
        bytes32 id = propose(header);
        assertEq(registry.head(), id, "head");
    }

    /// Pitfall 12: an id covers the parent and the proposer.
    function test_pitfall_12_ids_cover_parent_and_proposer() public view {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        bytes32 id = registry.blockIdOf(header);
        header.parent = "other";
        assertTrue(registry.blockIdOf(header) != id, "parent");
        header.parent = registry.genesisId();
        header.miner = RIVAL;
        assertTrue(registry.blockIdOf(header) != id, "miner");
    }

    /// Pitfall 12: a header that is encoded in another way has no id: its indices might be said twice.
    function test_pitfall_12_indices_that_lie_elsewhere_are_refused() public {
        bytes memory call = abi.encodeCall(registry.propose, (makeHeader(registry.genesisId(), MINER, 1), 0));
        uint256 offset = 4 + 64 + 96;
        assertEq(uint8(call[offset + 30]) * 256 + uint8(call[offset + 31]), 352, "offset of the indices");
        call = bytes.concat(call, bytes32(0));
        for (uint256 i = call.length - 1; i >= offset + 32 * 8; --i) {
            call[i] = call[i - 32]; // a word more before the indices
        }
        (call[offset + 30], call[offset + 31]) = (bytes1(uint8(1)), bytes1(uint8(128)));
        vm.prank(MINER);
        (bool done, bytes memory reason) = address(registry).call(call);
        assertTrue(!done && bytes4(reason) == ICourt.BadOpening.selector, "refused");
    }

    /// Pitfall 12: nor has one whose fields have bits that nobody reads.
    /// forge-config: default.fuzz.runs = 64
    function test_pitfall_12_superfluous_bits_are_refused(uint256 which) public {
        uint256[4] memory narrow = [uint256(32), 64, 288, 320]; // miner, nonce, counts
        bytes memory call = abi.encodeCall(registry.propose, (makeHeader(registry.genesisId(), MINER, 1), 60_000));
        uint256 place = 4 + 64 + narrow[which % 4];
        call[place + (which >> 8) % 12] = bytes1(uint8(1 + (which >> 16) % 255));
        vm.prank(MINER);
        (bool done, bytes memory reason) = address(registry).call(call);
        assertTrue(!done && reason.length == 0, "refused by the decoder");
    }

    /// Pitfall 12: and, through the genesis id, the chain and the contract.
    function test_pitfall_12_a_proof_fits_no_other_deployment() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        deploy(defaultTask(RuleSet.Hardened), defaultParameters());
        bond(MINER, Role.Miner, 1 ether);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, header.parent));
        propose(header);
    }

    /// L1 may move a parent to another second and make a child harder than its proof is good for.
    function test_block_that_is_harder_than_it_was_searched_at_is_refused() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        bytes32 id = registry.blockIdOf(header);
        vm.expectRevert(
            abi.encodeWithSelector(IPoLRegistry.HarderThanSearched.selector, id, DIFFICULTY, DIFFICULTY - 1)
        );
        vm.prank(MINER);
        registry.propose(header, DIFFICULTY - 1);
        (, uint256 locked) = vault.bondOf(MINER, Role.Miner);
        assertTrue(locked == 0, "nothing is at stake");

        vm.prank(MINER);
        registry.propose(header, DIFFICULTY);
        assertEq(registry.head(), id, "at its own difficulty it is taken");
    }

    /// Pitfall 15: nobody can propose under an id that is not their own, so nobody can take another's id.
    function test_pitfall_15_id_squatting_needs_the_miners_key(address squatter) public {
        vm.assume(squatter != MINER);
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotMiner.selector, MINER, squatter));
        vm.prank(squatter);
        registry.propose(header, ANY_DIFFICULTY);

        bytes32 id = propose(header);
        assertEq(registry.head(), id, "the miner still can");
    }

    /// Pitfall 18: the same key run twice sends the same proposal twice.
    function test_pitfall_18_the_same_proposal_twice_is_refused() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        bytes32 id = propose(header);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.AlreadyProposed.selector, id));
        propose(header);
        assertEq(locked(MINER, Role.Miner), MINER_BOND, "one bond");
    }

    function test_unknown_parent_is_refused() public {
        Header memory header = makeHeaderOn("nothing");
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, bytes32("nothing")));
        propose(header);
    }

    function test_slashed_parent_is_refused() public {
        bytes32 bad = proposeOn(registry.genesisId(), MINER, 1);
        slashAsBounties(bad);

        Header memory header = makeHeaderOn(bad);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, bad, Status.Pending, Status.Slashed));
        propose(header);
    }

    function test_slashed_ancestor_is_refused_however_deep() public {
        bytes32 bad = proposeOn(registry.genesisId(), MINER, 1);
        bytes32 tip = bad;
        for (uint64 i = 2; i < 12; ++i) {
            tip = proposeOn(tip, MINER, i);
        }
        slashAsBounties(bad);

        Header memory header = makeHeaderOn(tip);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.SlashedAncestor.selector, tip, bad));
        propose(header);
    }

    function test_parent_off_the_finalized_branch_is_refused() public {
        bytes32 lost = proposeOn(registry.genesisId(), RIVAL, 1);
        bytes32 first = proposeOn(registry.genesisId(), MINER, 1);
        bytes32 second = proposeOn(first, MINER, 2);
        attestAll(first);
        pass(WINDOW);
        registry.finalize(first, second);

        Header memory header = makeHeaderOn(lost);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.OffFinalizedBranch.selector, lost, first));
        propose(header);
        bytes32 genesis = registry.genesisId();
        header = makeHeaderOn(genesis);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.OffFinalizedBranch.selector, genesis, first));
        propose(header);
    }

    function test_accuracy_must_increase() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        header.correctAfter = header.correctBefore;

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.AccuracyNotIncreased.selector, 100, 100));
        propose(header);
    }

    function test_accuracy_cannot_exceed_the_test_set() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        header.correctAfter = 4097;

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.CountOutOfRange.selector, 4097, 4096));
        propose(header);
    }

    /// There is no floor: W is the same for all, and the chain must not stop.
    function test_accuracy_may_fall_below_the_parents() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        header.correctAfter = 1000;
        bytes32 parent = propose(header);
        bytes32 id = proposeOn(parent, MINER, 2);
        assertEq(registry.head(), id, "head");
    }

    function test_perfect_accuracy_need_not_increase() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        (header.correctBefore, header.correctAfter) = (4096, 4095);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.AccuracyNotIncreased.selector, 4096, 4095));
        propose(header);
        (header.correctBefore, header.correctAfter) = (4097, 4096);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.AccuracyNotIncreased.selector, 4097, 4096));
        propose(header);
        header.correctBefore = 4096;
        bytes32 id = propose(header);
        assertEq(registry.head(), id, "head");
    }

    function test_there_is_no_segment_under_paper_rules() public {
        usePaper();
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        header.segmentRoot = "list";
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.SegmentNotEmpty.selector, bytes32("list")));
        propose(header);
    }

    function test_without_bond_no_block() public {
        address poor = address(0xBAD);
        Header memory header = makeHeader(registry.genesisId(), poor, 1);
        vm.expectRevert(abi.encodeWithSelector(IBondVault.InsufficientBond.selector, poor, Role.Miner, 0, MINER_BOND));
        propose(header);
    }

    function makeHeaderOn(bytes32 parent) internal view returns (Header memory) {
        return makeHeader(parent, MINER, 99);
    }

    function usePaper() internal {
        deploy(defaultTask(RuleSet.Paper), defaultParameters());
        bond(MINER, Role.Miner, 10 ether);
    }
}
