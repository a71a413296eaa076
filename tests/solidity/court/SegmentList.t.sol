// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt, SegmentEntry, SegmentStep, TraceId} from "../../../contracts/interfaces/ICourt.sol";
import {Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {IReveals} from "../../../contracts/interfaces/IReveals.sol";
import {Tags} from "../../../contracts/lib/Tags.sol";
import {Header, Tree} from "../../../contracts/Types.sol";
import {Lists} from "../fixtures/Lists.sol";
import {SegmentFixture} from "../fixtures/SegmentFixture.sol";
import {States} from "../fixtures/States.sol";
import {Slice, Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice The list of a segment's steps: what opens an entry of it, and what answers demands for its steps.
contract SegmentListTest is SegmentFixture {
    // -- what is refused

    function test_the_parents_header_is_shown_where_it_is_needed_and_nowhere_else() public {
        uint32[][][] memory traces = Lists.traces(STEPS, STEPS + 1);
        (Header memory parent, bytes32 id) = proposeParent();
        SegmentEntry[] memory list = Lists.entries(traces);
        Header memory header = headerOn(id, 1, traces);
        expectClaim(header, TraceId(Tree.Segment, 0), Lists.show(list, 0), ICourt.BadOpening.selector);
        expectClaim(header, TraceId(Tree.Segment, 1), Lists.show(list, 1, parent), ICourt.BadOpening.selector);
        reveals.claimOf(header, TraceId(Tree.Segment, 1), Lists.show(list, 1));
        reveals.claimOf(header, TraceId(Tree.Segment, 0), Lists.show(list, 0, parent));

        Header memory other = parent;
        other.postRoot = "another";
        expectClaim(header, TraceId(Tree.Segment, 0), Lists.show(list, 0, other), ICourt.WrongRoot.selector);
        Header memory first = headerOn(registry.genesisId(), 1, traces);
        expectClaim(first, TraceId(Tree.Segment, 0), Lists.show(list, 0, parent), ICourt.BadOpening.selector);
    }

    function test_entries_that_are_not_in_the_list_are_refused() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        SegmentEntry[] memory list = Lists.entries(traces);
        for (uint32 step = 0; step < STEPS; ++step) {
            for (uint256 part = 0; part < 6; ++part) {
                SegmentStep memory segment = copied(Lists.show(list, step));
                SegmentEntry memory entry = segment.entries[part % segment.entries.length];
                if (part < 2) entry.batchRoot ^= bytes32(uint256(1));
                else if (part < 4) entry.innerRoot ^= bytes32(uint256(1));
                else entry.stateRoot ^= bytes32(uint256(1));
                expectClaim(header, TraceId(Tree.Segment, step), segment, ICourt.WrongRoot.selector);
            }
            uint32 other = (step + 1) % STEPS;
            if (step > 0 && other > 0) {
                vm.expectRevert(); // by the length of the path, or by the root
                reveals.claimOf(header, TraceId(Tree.Segment, other), Lists.show(list, step));
            }
        }
    }

    function test_too_few_or_too_many_entries_or_nodes_are_refused() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        SegmentEntry[] memory list = Lists.entries(traces);
        expectClaim(header, TraceId(Tree.Segment, 0), Lists.show(list, 1), ICourt.BadOpening.selector);
        expectClaim(header, TraceId(Tree.Segment, 1), Lists.show(list, 0), ICourt.BadOpening.selector);
        for (uint32 step = 0; step < STEPS; ++step) {
            SegmentStep memory segment = Lists.show(list, step);
            bytes32[] memory path = segment.path;
            segment.path = Traces.joined(path, new bytes32[](1));
            expectClaim(header, TraceId(Tree.Segment, step), segment, ICourt.BadOpening.selector);
            segment.path = Traces.cut(path, 0, path.length - 1);
            expectClaim(header, TraceId(Tree.Segment, step), segment, ICourt.BadOpening.selector);
            segment.path = path;
            segment.path[0] ^= bytes32(uint256(1));
            expectClaim(header, TraceId(Tree.Segment, step), segment, ICourt.WrongRoot.selector);
        }
    }

    /// One step short, or one too many: the count is in the root, and the contracts know how many there are.
    function test_a_list_of_another_length_opens_to_nobody() public {
        for (uint32 steps = STEPS - 1; steps <= STEPS + 1; steps += 2) {
            uint32[][][] memory traces = Lists.traces(steps, 0);
            Header memory header = headerOn(registry.genesisId(), steps, traces);
            SegmentEntry[] memory list = Lists.entries(traces);
            for (uint32 step = 0; step < steps; ++step) {
                vm.expectRevert();
                reveals.claimOf(header, TraceId(Tree.Segment, step), Lists.show(list, step));
            }
            Position memory position = stepsPosition();
            bytes32 id = demandedOf(header, position);
            vm.expectPartialRevert(ICourt.BadOpening.selector);
            reveals.revealSteps(header, position, Lists.hashes(list));
            assertWithheld(id, position);
        }
    }

    function test_steps_beyond_the_last_do_not_exist() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        SegmentStep memory segment = Lists.show(Lists.entries(traces), LAST);
        for (uint32 step = STEPS; step < STEPS + 3; ++step) {
            expectClaim(header, TraceId(Tree.Segment, step), segment, ICourt.BadOpening.selector);
        }
        segment.path = new bytes32[](0);
        expectClaim(header, TraceId(Tree.Segment, type(uint32).max), segment, ICourt.BadOpening.selector);
    }

    /// The block's own W must be the state after the last step: nobody can show a list that ends elsewhere.
    function test_a_list_that_does_not_end_in_w_cannot_be_shown() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        header.preRoot = Traces.stateRoot(Traces.step(STEPS + 1)[0]);
        SegmentStep memory segment = Lists.show(Lists.entries(traces), LAST);
        vm.expectRevert(
            abi.encodeWithSelector(ICourt.WrongRoot.selector, header.preRoot, Traces.stateRoot(Traces.step(STEPS)[0]))
        );
        reveals.claimOf(header, TraceId(Tree.Segment, LAST), segment);
        reveals.claimOf(header, TraceId(Tree.Segment, LAST - 1), Lists.show(Lists.entries(traces), LAST - 1));

        Position memory position = rootsPosition(Tree.Segment, LAST);
        showSteps(header, traces);
        bytes32 id = demandedOf(header, position);
        answerRoots(header, traces[LAST], LAST, segment, ICourt.WrongRoot.selector);
        assertWithheld(id, position);
    }

    // -- demands

    function test_roots_answer_for_every_step() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        SegmentEntry[] memory list = Lists.entries(traces);
        showSteps(header, traces);
        for (uint32 step = 0; step < STEPS; ++step) {
            Position memory position = rootsPosition(Tree.Segment, step);
            bytes32 id = demandedOf(header, position);
            SegmentStep memory segment = Lists.show(list, step);
            uint32[][] memory other = Traces.step(step);
            other[1][0] = 1; // of the images: not the batch that the list commits to
            answerRoots(header, other, step, segment, ICourt.WrongRoot.selector);
            other = Traces.step((step + 1) % STEPS);
            answerRoots(header, other, step, segment, ICourt.WrongRoot.selector);

            bytes memory program = Traces.pack(Traces.openProgram(Tree.Segment, 0));
            bytes32[] memory roots = States.tensorRoots(traces[step]);
            bytes32 demandId = demands.demandIdOf(id, position);
            vm.expectEmit(address(reveals));
            emit IReveals.Revealed(id, demandId, VICTOR, abi.encode(program, roots)); // by anybody
            vm.prank(VICTOR);
            reveals.revealRoots(header, position, program, roots, segment);
        }
    }

    function test_nodes_and_leaves_answer_for_the_first_and_the_last_step() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        SegmentEntry[] memory list = Lists.entries(traces);
        bytes memory program = Traces.pack(Traces.openProgram(Tree.Segment, Traces.DOUBLED));
        showSteps(header, traces);
        for (uint32 step = 0; step < STEPS; step += LAST) {
            SegmentStep memory segment = Lists.show(list, step);
            showRoots(header, traces[step], step, segment);
            Slice memory whole = Traces.slice(traces[step], Traces.DOUBLED, 0, 5);
            Position memory position = Position(Item.Leaves, Tree.Segment, step, Traces.DOUBLED, 0, 0);
            demandedOf(header, position);
            bytes memory opening = Traces.pack(Traces.open(traces[step], whole));
            reveals.revealLeaves(header, position, program, opening, segment);

            position.item = Item.Nodes;
            demandedOf(header, position);
            bytes32[] memory nodes = States.levels(Tags.TENSOR_NODE, States.leaves(traces[step][Traces.DOUBLED]))[0];
            bytes memory path = abi.encodePacked(Traces.open(traces[step], whole).nodes);
            reveals.revealNodes(header, position, program, nodes, path, segment);
        }
    }

    function test_hashes_of_all_steps_answer_if_they_make_the_segment_root() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        bytes32[] memory hashes = Lists.hashes(Lists.entries(traces));
        Position memory position = stepsPosition();
        bytes32 id = demandedOf(header, position);

        vm.expectPartialRevert(ICourt.BadOpening.selector);
        reveals.revealSteps(header, position, Traces.cut(hashes, 0, LAST));
        vm.expectPartialRevert(ICourt.BadOpening.selector);
        reveals.revealSteps(header, position, Traces.joined(hashes, new bytes32[](1)));
        hashes[LAST] ^= bytes32(uint256(1));
        vm.expectPartialRevert(ICourt.WrongRoot.selector);
        reveals.revealSteps(header, position, hashes);
        hashes[LAST] ^= bytes32(uint256(1));
        vm.expectEmit(address(reveals));
        emit IReveals.Revealed(id, demands.demandIdOf(id, position), VICTOR, abi.encode(hashes));
        vm.prank(VICTOR);
        reveals.revealSteps(header, position, hashes);
    }

    // -- helpers

    function showRoots(Header memory header, uint32[][] memory tensors, uint32 step, SegmentStep memory segment)
        private
    {
        Position memory position = rootsPosition(Tree.Segment, step);
        demandedOf(header, position);
        bytes memory program = Traces.pack(Traces.openProgram(Tree.Segment, 0));
        reveals.revealRoots(header, position, program, States.tensorRoots(tensors), segment);
    }

    function copied(SegmentStep memory segment) private pure returns (SegmentStep memory) {
        return abi.decode(abi.encode(segment), (SegmentStep));
    }
}
