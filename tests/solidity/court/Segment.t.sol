// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    Claim,
    ICourt,
    OperationEvidence,
    SegmentEntry,
    SegmentStep,
    TraceId
} from "../../../contracts/interfaces/ICourt.sol";
import {IDemands, Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {IReveals} from "../../../contracts/interfaces/IReveals.sol";
import {Tags} from "../../../contracts/lib/Tags.sol";
import {EvidenceKind, Header, RuleSet, Task, Tree} from "../../../contracts/Types.sol";
import {CourtFixture} from "../fixtures/CourtFixture.sol";
import {Lists} from "../fixtures/Lists.sol";
import {States} from "../fixtures/States.sol";
import {Slice, Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Segments before the real court, and on demand: each step multiplies W by 4, as the block's own does.
contract SegmentTest is CourtFixture {
    uint32 private constant POST = Traces.STEP - 1; // tensor of the new state
    uint64 private constant WRONG = 130; // the element that a wrong trace gets wrong
    uint32 private constant LEAF = 2; // its leaf
    uint32 private constant LAST = STEPS - 1;

    SegmentStep private none;

    function setUp() public override {
        super.setUp();
        deployFor(task());
    }

    function task() private pure returns (Task memory given) {
        given = defaultTask(RuleSet.Hardened);
        given.programRoot = Traces.programRoot();
        given.initialRoot = Traces.stateRoot(Traces.step()[0]);
    }

    // -- what convicts

    function test_a_wrong_element_of_any_step_is_convicted() public {
        for (uint32 step = 0; step < STEPS; ++step) {
            uint32[][][] memory traces = Lists.traces(STEPS, 0);
            traces[step][Traces.DOUBLED][WRONG] += 1; // one ulp
            Header memory header = headerOn(registry.genesisId(), step, traces);
            assertConvicted(header, call(header, traces, step, Traces.DOUBLED), EvidenceKind.Step);
        }
    }

    /// The steps after a wrong one are right: they start from its state.
    function test_a_wrong_state_is_convicted_where_it_was_made() public {
        for (uint32 step = 0; step < STEPS; step += 2) {
            uint32[][][] memory traces = wrongFrom(step);
            Header memory header = headerOn(registry.genesisId(), step, traces);
            for (uint32 other = 0; other < STEPS; ++other) {
                if (other != step) refuse(header, traces, other, POST, ICourt.ElementHolds.selector);
            }
            assertConvicted(header, call(header, traces, step, POST), EvidenceKind.Step);
        }
    }

    function test_the_first_step_starts_from_the_parents_w_afterwards() public {
        (Header memory parent, bytes32 id) = proposeParent();
        uint32[][][] memory traces = Lists.traces(STEPS, STEPS + 1);
        traces[0][Traces.DOUBLED][WRONG] += 1;
        Header memory header = headerOn(id, 1, traces);
        SegmentStep memory segment = Lists.show(Lists.entries(traces), 0, parent);
        OperationEvidence memory evidence = evidenceOf(traces[0], Traces.DOUBLED);
        bytes memory proof =
            abi.encodeCall(real.proveOperation, (header, TraceId(Tree.Segment, 0), segment, evidence, SALT));
        assertConvicted(header, proof, EvidenceKind.Step);
    }

    /// A segment of another parent, or W of an older block: the trace does not start where it must.
    function test_a_segment_that_starts_elsewhere_opens_to_nobody() public {
        (Header memory parent, bytes32 id) = proposeParent();
        uint32[][][] memory traces = Lists.traces(STEPS, 0); // that of the parent
        Header memory header = headerOn(id, 1, traces);
        SegmentStep memory segment = Lists.show(Lists.entries(traces), 0, parent);
        Claim memory claim = reveals.claimOf(header, TraceId(Tree.Segment, 0), segment);
        assertEq(claim.stateRoot, parent.postRoot, "state before");

        OperationEvidence memory evidence = evidenceOf(traces[0], Traces.DOUBLED);
        vm.expectPartialRevert(ICourt.WrongRoot.selector);
        real.proveOperation(header, TraceId(Tree.Segment, 0), segment, evidence, SALT);
        Position memory position = rootsPosition(Tree.Segment, 0);
        showSteps(header, traces);
        bytes32 blockId = demandedOf(header, position);
        answerRoots(header, traces[0], 0, segment, ICourt.WrongRoot.selector);
        assertWithheld(blockId, position);
    }

    function test_a_segment_of_one_step_is_first_and_last() public {
        Task memory given = task();
        given.trainingSteps = 1;
        deployFor(given);
        uint32[][][] memory traces = Lists.traces(1, 0);
        traces[0][Traces.DOUBLED][WRONG] += 1;
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        assertConvicted(header, call(header, traces, 0, Traces.DOUBLED), EvidenceKind.Step);
    }

    // -- what does not

    function test_an_honest_segment_holds() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        propose(header);
        for (uint32 step = 0; step < STEPS; ++step) {
            refuse(header, traces, step, Traces.DOUBLED, ICourt.ElementHolds.selector);
            refuse(header, traces, step, POST, ICourt.ElementHolds.selector);
        }
    }

    function test_the_trace_of_another_step_is_refused() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        SegmentEntry[] memory list = Lists.entries(traces);
        for (uint32 step = 0; step < STEPS; ++step) {
            OperationEvidence memory evidence = evidenceOf(traces[(step + 1) % STEPS], Traces.DOUBLED);
            vm.expectPartialRevert(ICourt.WrongRoot.selector);
            real.proveOperation(header, TraceId(Tree.Segment, step), Lists.show(list, step), evidence, SALT);
        }
        OperationEvidence memory own = evidenceOf(traces[1], Traces.DOUBLED);
        vm.expectPartialRevert(ICourt.WrongRoot.selector); // nor is it the block's own
        real.proveOperation(header, TraceId(Tree.Step, 0), none, own, SALT);
    }

    function test_other_traces_take_no_segment() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        Header memory header = headerOn(registry.genesisId(), 1, traces);
        SegmentStep memory segment = Lists.show(Lists.entries(traces), 1);
        for (uint8 tree = 0; tree < 3; ++tree) {
            expectClaim(header, TraceId(Tree(tree), 0), segment, ICourt.BadOpening.selector);
        }
        expectClaim(header, TraceId(Tree.Segment, 1), none, ICourt.BadOpening.selector);
        expectClaim(header, TraceId(Tree.Before, 1), none, ICourt.NotExplained.selector);
        Claim memory claim = reveals.claimOf(header, TraceId(Tree.Step, 0), none);
        assertEq(claim.stateRoot, header.preRoot, "before");
        assertEq(claim.postRoot, header.postRoot, "after");
        assertEq(claim.traceRoot, header.traceRoot, "trace");
    }

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

    function test_there_are_no_segments_under_paper_rules() public {
        Task memory given = defaultTask(RuleSet.Paper);
        given.programRoot = Traces.programRoot();
        deployFor(given);
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        SegmentStep memory segment = Lists.show(Lists.entries(Lists.traces(1, 0)), 0);
        expectClaim(header, TraceId(Tree.Segment, 0), segment, ICourt.BadOpening.selector);

        bytes32 id = propose(header);
        Position[2] memory absent = [rootsPosition(Tree.Segment, 0), stepsPosition()];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IDemands.NoSuchPosition.selector, absent[i]));
            vm.prank(VERA);
            demands.demand(id, absent[i], "");
        }
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

    // -- blocks

    /// A block whose segment has these traces, and whose own step leads on from the last.
    function headerOn(bytes32 parent, uint64 nonce, uint32[][][] memory traces)
        private
        view
        returns (Header memory header)
    {
        header = makeHeader(parent, MINER, nonce);
        uint32[][] memory own = Traces.step();
        own[0] = traces[traces.length - 1][POST];
        header.segmentRoot = Lists.root(Lists.entries(traces));
        header.preRoot = Traces.stateRoot(own[0]);
        header.postRoot = Traces.stateRoot(own[POST]);
        header.traceRoot = Traces.traceRoot(header.preRoot, own, header.postRoot);
    }

    /// An honest block on genesis: its W' is 4**(STEPS + 1) W.
    function proposeParent() private returns (Header memory header, bytes32 id) {
        header = headerOn(registry.genesisId(), 1, Lists.traces(STEPS, 0));
        header.postRoot = Traces.stateRoot(Traces.step(STEPS + 1)[0]);
        id = propose(header);
    }

    /// One element of the state after this step is an ulp too high, and what follows is computed from there.
    function wrongFrom(uint32 step) private pure returns (uint32[][][] memory traces) {
        traces = Lists.traces(STEPS, 0);
        traces[step][POST][WRONG] += 1;
        for (uint256 i = step + 1; i < STEPS; ++i) {
            traces[i][0][WRONG] += 1;
            traces[i][Traces.DOUBLED][WRONG] += 1;
            traces[i][POST][WRONG] += 1;
        }
    }

    // -- evidence and answers

    /// Of an element of a map of the step, with its operand.
    function evidenceOf(uint32[][] memory tensors, uint32 tensor) private pure returns (OperationEvidence memory) {
        Slice[] memory slices = new Slice[](2);
        slices[0] = Traces.slice(tensors, tensor == POST ? Traces.DOUBLED : 0, LEAF, 1);
        slices[1] = Traces.slice(tensors, tensor, LEAF, 1);
        bytes memory program = Traces.pack(Traces.openProgram(Tree.Segment, tensor));
        return OperationEvidence(tensor, WRONG, program, Traces.pack(Traces.open(tensors, slices)));
    }

    function call(Header memory header, uint32[][][] memory traces, uint32 step, uint32 tensor)
        private
        view
        returns (bytes memory)
    {
        SegmentStep memory segment = Lists.show(Lists.entries(traces), step);
        OperationEvidence memory evidence = evidenceOf(traces[step], tensor);
        return abi.encodeCall(real.proveOperation, (header, TraceId(Tree.Segment, step), segment, evidence, SALT));
    }

    /// Evidence is judged before the commitment is looked for.
    function refuse(Header memory header, uint32[][][] memory traces, uint32 step, uint32 tensor, bytes4 selector)
        private
    {
        SegmentStep memory segment = Lists.show(Lists.entries(traces), step);
        OperationEvidence memory evidence = evidenceOf(traces[step], tensor);
        vm.expectPartialRevert(selector);
        real.proveOperation(header, TraceId(Tree.Segment, step), segment, evidence, SALT);
    }

    function expectClaim(Header memory header, TraceId memory trace, SegmentStep memory segment, bytes4 selector)
        private
    {
        vm.expectPartialRevert(selector);
        reveals.claimOf(header, trace, segment);
    }

    function demandedOf(Header memory header, Position memory position) private returns (bytes32 id) {
        id = registry.blockIdOf(header);
        if (registry.blocks(id).miner == address(0)) propose(header);
        bytes memory program = Traces.pack(Traces.openProgram(position.tree, position.tensor));
        vm.prank(VERA);
        demands.demand(id, position, program);
    }

    function showSteps(Header memory header, uint32[][][] memory traces) private {
        demandedOf(header, stepsPosition());
        reveals.revealSteps(header, stepsPosition(), Lists.hashes(Lists.entries(traces)));
    }

    function showRoots(Header memory header, uint32[][] memory tensors, uint32 step, SegmentStep memory segment)
        private
    {
        Position memory position = rootsPosition(Tree.Segment, step);
        demandedOf(header, position);
        bytes memory program = Traces.pack(Traces.openProgram(Tree.Segment, 0));
        reveals.revealRoots(header, position, program, States.tensorRoots(tensors), segment);
    }

    function answerRoots(
        Header memory header,
        uint32[][] memory tensors,
        uint32 step,
        SegmentStep memory segment,
        bytes4 selector
    ) private {
        bytes memory program = Traces.pack(Traces.openProgram(Tree.Segment, 0));
        bytes32[] memory roots = States.tensorRoots(tensors);
        vm.expectPartialRevert(selector);
        reveals.revealRoots(header, rootsPosition(Tree.Segment, step), program, roots, segment);
    }

    function assertWithheld(bytes32 id, Position memory position) private {
        pass(ANSWER);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockSlashed(id, MINER, EvidenceKind.Withheld);
        demands.expire(id, position);
    }

    function copied(SegmentStep memory segment) private pure returns (SegmentStep memory) {
        return abi.decode(abi.encode(segment), (SegmentStep));
    }
}
