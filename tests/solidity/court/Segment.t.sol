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
import {IDemands, Position} from "../../../contracts/interfaces/IDemands.sol";
import {EvidenceKind, Header, RuleSet, Task, Tree} from "../../../contracts/Types.sol";
import {Lists} from "../fixtures/Lists.sol";
import {SegmentFixture} from "../fixtures/SegmentFixture.sol";
import {Slice, Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Steps of a segment before the real court: which are convicted, and where a trace must start.
contract SegmentTest is SegmentFixture {
    uint64 private constant WRONG = 130; // the element that a wrong trace gets wrong
    uint32 private constant LEAF = 2; // its leaf

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

    // -- helpers

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
}
