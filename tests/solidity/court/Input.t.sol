// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {ICourt, InputEvidence, SegmentEntry, SegmentStep, TraceId} from "../../../contracts/interfaces/ICourt.sol";
import {Derivation} from "../../../contracts/lib/Derivation.sol";
import {Tags} from "../../../contracts/lib/Tags.sol";
import {EvidenceKind, Header, RuleSet, Status, Task, Tree} from "../../../contracts/Types.sol";
import {CourtFixture} from "../fixtures/CourtFixture.sol";
import {Lists} from "../fixtures/Lists.sol";
import {States} from "../fixtures/States.sol";
import {Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Images and labels before the real court: what a step starts from must be the data set's.
contract InputTest is CourtFixture {
    uint32 private constant COUNT = 8; // training samples
    uint32 private constant EACH = Traces.ELEMENTS / 4; // elements of one sample, in images and in labels
    uint32 private constant IMAGES = 1; // tensors of the trace
    uint32 private constant LABELS = 2;

    SegmentStep private none; // only steps of segments need one

    function setUp() public override {
        super.setUp();
        Task memory task = defaultTask(RuleSet.Hardened);
        task.programRoot = Traces.programRoot();
        task.initialRoot = Traces.stateRoot(Traces.step()[0]);
        task.trainCount = COUNT;
        bytes32[][] memory rows = sampleRows();
        task.trainRoot = keccak256(abi.encodePacked(Tags.SAMPLE_ROOT, uint64(COUNT), rows[rows.length - 1][0]));
        deployFor(task);
    }

    /// forge-config: default.fuzz.runs = 32
    function test_an_element_that_is_not_the_data_sets_is_convicted(uint64 element, bool label, uint8 by) public {
        element = uint64(bound(element, 0, Traces.ELEMENTS - 1));
        uint32 tensor = label ? LABELS : IMAGES;
        uint8 right = label ? labelOf(indexOf(element)) : pixelOf(indexOf(element), element % EACH);
        uint8 wrong = uint8(right + bound(by, 1, 255));
        (Header memory header, InputEvidence memory evidence) = claimed(tensor, element, floatOf(wrong));
        assertConvicted(header, call(header, evidence), EvidenceKind.Step);
    }

    function test_no_integer_is_convicted() public {
        (Header memory header, InputEvidence memory evidence) = claimed(IMAGES, 7, 0x7fc00000);
        assertConvicted(header, call(header, evidence), EvidenceKind.Step);
    }

    /// forge-config: default.fuzz.runs = 32
    function test_the_data_sets_own_elements_hold(uint64 element, bool label) public {
        element = uint64(bound(element, 0, Traces.ELEMENTS - 1));
        uint32 tensor = label ? LABELS : IMAGES;
        uint32 value = honestTrace()[tensor][element];
        (Header memory header, InputEvidence memory evidence) = claimed(tensor, element, value);
        vm.expectRevert(abi.encodeWithSelector(ICourt.ElementHolds.selector, tensor, element, value));
        real.proveInput(header, TraceId(Tree.Step, 0), none, evidence, SALT);
    }

    /// The batch of a segment's step follows from the parent and the step's number.
    function test_a_segments_batch_is_the_one_that_follows_from_the_parent() public {
        for (uint32 step = 0; step < STEPS; step += 2) {
            uint32[][][] memory traces = Lists.traces(STEPS, 0);
            for (uint32 i = 0; i < STEPS; ++i) {
                fill(traces[i], indicesOf(i));
            }
            assertHolds(traces, step);
            traces[step][IMAGES][0] = floatOf(pixelOf(indicesOf(step)[0], 0) + 1);
            (Header memory header, InputEvidence memory evidence, SegmentStep memory segment) = segmented(traces, step);
            TraceId memory trace = TraceId(Tree.Segment, step);
            bytes memory proof = abi.encodeCall(real.proveInput, (header, trace, segment, evidence, SALT));
            assertConvicted(header, proof, EvidenceKind.Step);
        }
    }

    /// Of another seed: that of the next step.
    function test_a_segments_batch_of_another_seed_is_convicted() public {
        uint32[][][] memory traces = Lists.traces(STEPS, 0);
        for (uint32 i = 0; i < STEPS; ++i) {
            fill(traces[i], indicesOf(i + 1));
        }
        assertTrue(indicesOf(1)[0] != indicesOf(2)[0], "another first sample");
        (Header memory header, InputEvidence memory evidence, SegmentStep memory segment) = segmented(traces, 1);
        TraceId memory trace = TraceId(Tree.Segment, 1);
        bytes memory proof = abi.encodeCall(real.proveInput, (header, trace, segment, evidence, SALT));
        assertConvicted(header, proof, EvidenceKind.Step);
    }

    function test_another_sample_is_refused() public {
        (Header memory header, InputEvidence memory evidence) = claimed(IMAGES, 0, 0);
        uint32 own = indexOf(0);
        for (uint32 index = 0; index < COUNT; ++index) {
            if (index == own) continue;
            evidence.sample = sampleOf(index);
            evidence.samplePath = pathOf(index);
            refuse(header, evidence, ICourt.WrongRoot.selector);
        }
        evidence.sample = sampleOf(own);
        evidence.samplePath = pathOf(own);
        evidence.sample[EACH + 7] ^= 0x01; // its label
        refuse(header, evidence, ICourt.WrongRoot.selector);
    }

    function test_only_images_and_labels_are_inputs() public {
        (Header memory header, InputEvidence memory evidence) = claimed(IMAGES, 0, 0);
        evidence.tensor = Traces.DOUBLED;
        evidence.program = Traces.pack(Traces.openProgram(Tree.Step, Traces.DOUBLED));
        evidence.opening = opened(honestTrace(), Traces.DOUBLED, 0);
        header.traceRoot = Traces.traceRoot(header.preRoot, honestTrace(), header.postRoot);
        refuse(header, evidence, ICourt.BadOpening.selector);
        evidence.tensor = 0; // of the state
        evidence.program = Traces.pack(Traces.openProgram(Tree.Step, 0));
        evidence.opening = opened(honestTrace(), 0, 0);
        vm.expectRevert();
        real.proveInput(header, TraceId(Tree.Step, 0), none, evidence, SALT);
    }

    function test_nothing_is_proven_without_a_commitment() public {
        (Header memory header, InputEvidence memory evidence) = claimed(LABELS, 0, floatOf(200));
        bytes32 id = propose(header);
        refuse(header, evidence, IBounties.NotCommitted.selector);
        assertStatus(id, Status.Pending, "status");
    }

    // -- the data set

    function pixelOf(uint32 index, uint64 place) private pure returns (uint8) {
        return uint8(37 * index + 11 * place);
    }

    function labelOf(uint32 index) private pure returns (uint8) {
        return uint8((3 * index) % 10);
    }

    /// As the tree hashes it: pixels, and uint64 label.
    function sampleOf(uint32 index) private pure returns (bytes memory sample) {
        for (uint64 place = 0; place < EACH; ++place) {
            sample = bytes.concat(sample, bytes1(pixelOf(index, place)));
        }
        sample = abi.encodePacked(sample, uint64(labelOf(index)));
    }

    function sampleRows() private pure returns (bytes32[][] memory) {
        bytes32[] memory leaves = new bytes32[](COUNT);
        for (uint32 i = 0; i < COUNT; ++i) {
            leaves[i] = keccak256(abi.encodePacked(Tags.SAMPLE_LEAF, sampleOf(i)));
        }
        return States.levels(Tags.SAMPLE_NODE, leaves);
    }

    function pathOf(uint32 index) private pure returns (bytes memory) {
        return abi.encodePacked(States.path(sampleRows(), index));
    }

    /// Bits of a small integer as binary32.
    function floatOf(uint8 value) private pure returns (uint32) {
        if (value == 0) return 0;
        uint32 exponent = 0;
        while (value >> (exponent + 1) > 0) ++exponent;
        return ((127 + exponent) << 23) | ((uint32(value) << (23 - exponent)) & 0x7fffff);
    }

    // -- blocks

    function blank() private view returns (Header memory header) {
        header = makeHeader(registry.genesisId(), MINER, 1);
        header.preRoot = Traces.stateRoot(Traces.step()[0]);
        header.postRoot = Traces.stateRoot(Traces.step()[5]);
        header.indices = derivedIndices(header);
    }

    /// Number of the sample that an element of images, or of labels, belongs to.
    function indexOf(uint64 element) private view returns (uint32) {
        return blank().indices[element / EACH];
    }

    function honestTrace() private view returns (uint32[][] memory tensors) {
        tensors = Traces.step();
        fill(tensors, blank().indices);
    }

    /// Gives a step the images and labels of these samples.
    function fill(uint32[][] memory tensors, uint32[] memory indices) private pure {
        for (uint64 i = 0; i < Traces.ELEMENTS; ++i) {
            tensors[IMAGES][i] = floatOf(pixelOf(indices[i / EACH], i % EACH));
            tensors[LABELS][i] = floatOf(labelOf(indices[i / EACH]));
        }
    }

    /// A block that claims these bits for an element, and evidence about it.
    function claimed(uint32 tensor, uint64 element, uint32 value)
        private
        view
        returns (Header memory header, InputEvidence memory evidence)
    {
        uint32[][] memory tensors = honestTrace();
        tensors[tensor][element] = value;
        header = blank();
        header.traceRoot = Traces.traceRoot(header.preRoot, tensors, header.postRoot);
        uint32 index = indexOf(element);
        bytes memory program = Traces.pack(Traces.openProgram(Tree.Step, tensor));
        bytes memory opening = opened(tensors, tensor, uint32(element / 64));
        evidence = InputEvidence(tensor, element, program, opening, sampleOf(index), pathOf(index));
    }

    /// What a step of the segment after genesis takes.
    function indicesOf(uint32 step) private view returns (uint32[] memory indices) {
        bytes32 seed = Derivation.segmentSeed(registry.taskId(), registry.genesisId(), step);
        indices = Derivation.batch(seed, 4, COUNT);
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(registry.segmentSample(registry.genesisId(), step, i), indices[i], "the registry's");
        }
    }

    /// A block with this segment, and evidence about the first element of a step's images.
    function segmented(uint32[][][] memory traces, uint32 step)
        private
        view
        returns (Header memory header, InputEvidence memory evidence, SegmentStep memory segment)
    {
        SegmentEntry[] memory list = Lists.entries(traces);
        header = blank();
        header.nonce = step;
        header.segmentRoot = Lists.root(list);
        header.preRoot = list[STEPS - 1].stateRoot;
        header.indices = derivedIndices(header);
        segment = Lists.show(list, step);
        bytes memory program = Traces.pack(Traces.openProgram(Tree.Segment, IMAGES));
        uint32 index = indicesOf(step)[0];
        bytes memory opening = opened(traces[step], IMAGES, 0);
        evidence = InputEvidence(IMAGES, 0, program, opening, sampleOf(index), pathOf(index));
    }

    function assertHolds(uint32[][][] memory traces, uint32 step) private {
        (Header memory header, InputEvidence memory evidence, SegmentStep memory segment) = segmented(traces, step);
        vm.expectPartialRevert(ICourt.ElementHolds.selector);
        real.proveInput(header, TraceId(Tree.Segment, step), segment, evidence, SALT);
    }

    function opened(uint32[][] memory tensors, uint32 tensor, uint32 leaf) private pure returns (bytes memory) {
        return Traces.pack(Traces.open(tensors, Traces.slice(tensors, tensor, leaf, 1)));
    }

    function call(Header memory header, InputEvidence memory evidence) private view returns (bytes memory) {
        return abi.encodeCall(real.proveInput, (header, TraceId(Tree.Step, 0), none, evidence, SALT));
    }

    /// Evidence is judged before the commitment is looked for.
    function refuse(Header memory header, InputEvidence memory evidence, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        vm.prank(VERA);
        real.proveInput(header, TraceId(Tree.Step, 0), none, evidence, SALT);
    }
}
