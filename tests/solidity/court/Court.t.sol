// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {
    BitEvidence,
    ICourt,
    OperationEvidence,
    SegmentStep,
    SumNode,
    SumsEvidence,
    TraceId
} from "../../../contracts/interfaces/ICourt.sol";
import {ExplanationState, IExplanations} from "../../../contracts/interfaces/IExplanations.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {AccuracyTree} from "../../../contracts/lib/AccuracyTree.sol";
import {Operations} from "../../../contracts/lib/Operations.sol";
import {EvidenceKind, Header, Role, RuleSet, Status, Task, Tree} from "../../../contracts/Types.sol";
import {CourtFixture} from "../fixtures/CourtFixture.sol";
import {Opening, Program, Slice, Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice The real court on the smallest program that computes something: what convicts, and what is refused.
contract CourtTest is CourtFixture {
    uint64 private constant WRONG = 130; // the element that a wrong trace gets wrong
    uint32 private constant LEAF = 2; // its leaf
    uint256 private constant OPERAND = 0; // slices of mapEvidence
    uint256 private constant CLAIMED = 1;
    uint32 private constant SAMPLE = 600; // its bits are in leaf 2 of the accuracy tree: right with W and W'

    /// What is packed to evidence about an operation.
    struct Draft {
        uint32 tensor;
        uint64 element;
        Program program;
        Opening opening;
    }

    SegmentStep private none; // only steps of segments need one

    function setUp() public override {
        super.setUp();
        Task memory task = defaultTask(RuleSet.Hardened);
        task.programRoot = Traces.programRoot();
        deployFor(task);
    }

    // -- operations

    function test_a_wrong_element_is_convicted() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        bytes32 id = propose(header);
        commit(VERA, operationCall(header, evidence, SALT));
        pass(1);

        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockSlashed(id, MINER, EvidenceKind.Step);
        proveOperation(VERA, header, evidence);

        assertStatus(id, Status.Slashed, "status");
        pass(REVEAL);
        (address first, address prover,) = bounties.winners(id);
        assertEq(first, VERA, "first");
        assertEq(prover, VERA, "prover");
        registry.forfeitBond(id);
        assertEq(vault.creditOf(VERA), MINER_BOND / 2, "bounty");
    }

    function test_an_honest_element_holds() public {
        Header memory header = honestHeader(MINER);
        bytes32 id = propose(header);
        Draft memory evidence = mapEvidence(Traces.step());
        for (uint64 element = 128; element < 192; ++element) {
            evidence.element = element;
            uint256 value = Traces.step()[Traces.DOUBLED][element];
            expect(abi.encodeWithSelector(ICourt.ElementHolds.selector, Traces.DOUBLED, element, value));
            proveOperation(VERA, header, evidence);
        }
        assertStatus(id, Status.Pending, "status");
    }

    function test_the_wrong_trace_is_right_everywhere_else() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        propose(header);
        evidence.element = WRONG + 1;
        vm.expectPartialRevert(ICourt.ElementHolds.selector);
        proveOperation(VERA, header, evidence);
    }

    function test_an_infinite_element_is_convicted_without_operands() public {
        uint32[][] memory tensors = Traces.step();
        tensors[Traces.DOUBLED][WRONG] = 0x7f800000;
        Header memory header = headerOf(MINER, tensors);
        bytes32 id = propose(header);
        Draft memory evidence = mapEvidence(tensors);
        evidence.opening = Traces.open(tensors, Traces.slice(tensors, Traces.DOUBLED, LEAF, 1));
        commitAndProveOperation(VERA, header, evidence);
        assertStatus(id, Status.Slashed, "status");
    }

    function test_several_leaves_at_once() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        bytes32 id = propose(header);
        evidence.opening.slices[OPERAND] = Traces.slice(wrongTrace(), 0, 0, 5);
        evidence.opening.slices[CLAIMED] = Traces.slice(wrongTrace(), Traces.DOUBLED, 1, 3);
        commitAndProveOperation(VERA, header, evidence);
        assertStatus(id, Status.Slashed, "status");
    }

    // -- commitments

    function test_nothing_is_proven_without_a_commitment() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        propose(header);
        bytes32 missing = commitmentOf(VERA, operationCall(header, evidence, SALT));
        expect(abi.encodeWithSelector(IBounties.NotCommitted.selector, VERA, missing));
        proveOperation(VERA, header, evidence);
    }

    function test_not_in_the_l1_block_of_the_commitment() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        bytes32 id = propose(header);
        commit(VERA, operationCall(header, evidence, SALT));
        expect(abi.encodeWithSelector(IBounties.RevealTooEarly.selector, block.number, block.number));
        proveOperation(VERA, header, evidence);
        vm.roll(block.number + 1);
        proveOperation(VERA, header, evidence);
        assertStatus(id, Status.Slashed, "status");
    }

    function test_the_salt_is_committed_to() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        propose(header);
        commit(VERA, operationCall(header, evidence, "pepper"));
        pass(1);
        vm.expectPartialRevert(IBounties.NotCommitted.selector);
        proveOperation(VERA, header, evidence);
    }

    /// Pitfall 2: the thief has the whole call from the mempool, but no commitment of an earlier L1 block.
    function test_pitfall_02_challenge_theft_a_copied_call_convicts_nobody() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        bytes32 id = propose(header);
        commit(VERA, operationCall(header, evidence, SALT));
        pass(1);
        vm.expectPartialRevert(IBounties.NotCommitted.selector);
        proveOperation(VIOLA, header, evidence);
        commit(VIOLA, operationCall(header, evidence, SALT)); // in the L1 block of the proof, ahead of it
        vm.expectPartialRevert(IBounties.RevealTooEarly.selector);
        proveOperation(VIOLA, header, evidence);
        proveOperation(VERA, header, evidence);
        pass(1);
        expect(abi.encodeWithSelector(IBounties.LaterCommitment.selector, id, 1, 2));
        proveOperation(VIOLA, header, evidence);
        pass(REVEAL);
        (address first, address prover,) = bounties.winners(id);
        assertEq(first, VERA, "first");
        assertEq(prover, VERA, "prover");
    }

    // -- another block

    /// Pitfall 12: evidence fits the block whose roots it opens, and none that differs in them.
    function test_pitfall_12_evidence_of_another_block_is_refused() public {
        (Header memory guilty, Draft memory evidence) = wrongMap(MINER);
        Header memory innocent = honestHeader(RIVAL);
        propose(guilty);
        propose(innocent);
        vm.expectPartialRevert(ICourt.WrongRoot.selector);
        proveOperation(VERA, innocent, evidence);
    }

    /// Pitfall 12: the same roots under another parent, miner or nonce are another block.
    function test_pitfall_12_a_header_that_was_not_proposed_is_unknown() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        propose(header);
        for (uint256 i = 0; i < 3; ++i) {
            (Header memory other,) = wrongMap(MINER);
            if (i == 0) other.parent = "elsewhere";
            if (i == 1) other.miner = RIVAL;
            if (i == 2) other.nonce = 9;
            commit(VERA, operationCall(other, evidence, SALT));
            pass(1);
            bytes32 id = registry.blockIdOf(other);
            expect(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, id));
            proveOperation(VERA, other, evidence);
        }
    }

    function test_pitfall_12_a_final_block_is_not_convicted() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        bytes32 id = propose(header);
        bond(VICTOR, Role.Verifier, 1 ether);
        attestAll(id);
        pass(WINDOW);
        registry.finalize(id, id);
        commit(VERA, operationCall(header, evidence, SALT));
        pass(1);
        expect(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Finalized));
        proveOperation(VERA, header, evidence);
    }

    // -- what does not open

    function test_a_wrong_leaf_byte_is_refused() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        evidence.opening.slices[CLAIMED].leaves[7] ^= 0x01;
        refuse(header, evidence, ICourt.WrongRoot.selector);
        evidence.opening.slices[CLAIMED].leaves[7] ^= 0x01;
        evidence.opening.slices[OPERAND].leaves[255] ^= 0x80;
        refuse(header, evidence, ICourt.WrongRoot.selector);
    }

    function test_too_few_or_too_many_nodes_are_refused() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        bytes32[] memory nodes = evidence.opening.nodes;
        evidence.opening.nodes = Traces.cut(nodes, 0, nodes.length - 1);
        refuse(header, evidence, ICourt.WrongRoot.selector);
        evidence.opening.nodes = longer(nodes);
        refuse(header, evidence, ICourt.BadOpening.selector);
        evidence.opening.nodes = nodes;
        bytes32[] memory path = evidence.program.path;
        evidence.program.path = Traces.cut(path, 0, path.length - 1);
        refuse(header, evidence, ICourt.BadOpening.selector);
        evidence.program.path = longer(path);
        refuse(header, evidence, ICourt.BadOpening.selector);
    }

    function test_leaves_that_are_not_those_of_the_runs_are_refused() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        Slice memory claimed = evidence.opening.slices[CLAIMED];
        claimed.first = 1;
        refuse(header, evidence, ICourt.WrongRoot.selector);
        claimed.first = 5;
        refuse(header, evidence, ICourt.BadOpening.selector);
        claimed.first = LEAF;
        for (uint16 count = 0; count < 4; ++count) {
            claimed.count = count;
            if (count != 1) refuse(header, evidence, ICourt.BadOpening.selector);
        }
        claimed.count = 1;
        claimed.leaves = bytes.concat(claimed.leaves, claimed.leaves);
        refuse(header, evidence, ICourt.BadOpening.selector);
    }

    function test_nothing_is_opened_twice() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        Slice[] memory slices = evidence.opening.slices;
        (slices[OPERAND], slices[CLAIMED]) = (slices[CLAIMED], slices[OPERAND]);
        refuse(header, evidence, ICourt.BadOpening.selector);
        slices[CLAIMED] = slices[OPERAND];
        refuse(header, evidence, ICourt.BadOpening.selector);
        slices[CLAIMED] = Traces.slice(wrongTrace(), Traces.DOUBLED, LEAF, 1);
        slices[CLAIMED].elements += 1; // the same tensor in another guise
        refuse(header, evidence, ICourt.BadOpening.selector);
    }

    function test_another_tensor_number_is_refused() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        Slice memory claimed = evidence.opening.slices[CLAIMED];
        for (uint32 tensor = 1; tensor <= Traces.STEP; ++tensor) {
            claimed.tensor = tensor;
            if (tensor != Traces.DOUBLED) refuse(header, evidence, ICourt.WrongRoot.selector);
        }
        claimed.tensor = Traces.DOUBLED;
        evidence.tensor = Traces.UNKNOWN;
        refuse(header, evidence, ICourt.WrongRoot.selector);
        evidence.tensor = Traces.STEP; // that is the evaluation's first one
        refuse(header, evidence, ICourt.WrongRoot.selector);
    }

    /// A tensor beyond the last section lies in no list, so nothing vouches for it.
    function test_a_tensor_that_does_not_exist_is_refused() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        Slice[] memory slices = new Slice[](3);
        (slices[0], slices[1]) = (evidence.opening.slices[0], evidence.opening.slices[1]);
        slices[2] = Traces.slice(wrongTrace(), 0, LEAF, 1);
        slices[2].tensor = Traces.STEP;
        evidence.opening.slices = slices;
        refuse(header, evidence, ICourt.BadOpening.selector);
    }

    function test_another_count_of_elements_is_refused() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        evidence.opening.slices[CLAIMED].elements = Traces.ELEMENTS - 1; // as many leaves
        refuse(header, evidence, ICourt.WrongRoot.selector);
        evidence.opening.slices[CLAIMED].elements = 600; // more levels
        refuse(header, evidence, ICourt.WrongRoot.selector);
        evidence.element = Traces.ELEMENTS; // in the padding
        evidence.opening = Traces.open(wrongTrace(), Traces.slice(wrongTrace(), Traces.DOUBLED, 4, 1));
        refuse(header, evidence, ICourt.NotOpened.selector);
    }

    function test_a_missing_leaf_is_not_opened() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        propose(header);
        evidence.opening.slices[OPERAND] = Traces.slice(wrongTrace(), 0, 1, 1);
        expect(abi.encodeWithSelector(ICourt.NotOpened.selector, 0, WRONG));
        proveOperation(VERA, header, evidence);
        evidence.opening = Traces.open(wrongTrace(), evidence.opening.slices[CLAIMED]);
        expect(abi.encodeWithSelector(ICourt.NotOpened.selector, 0, WRONG));
        proveOperation(VERA, header, evidence);
        evidence.opening = Traces.open(wrongTrace(), Traces.slice(wrongTrace(), Traces.DOUBLED, 1, 1));
        expect(abi.encodeWithSelector(ICourt.NotOpened.selector, Traces.DOUBLED, WRONG));
        proveOperation(VERA, header, evidence);
        evidence.opening = Traces.open(wrongTrace(), new Slice[](0));
        expect(abi.encodeWithSelector(ICourt.NotOpened.selector, Traces.DOUBLED, WRONG));
        proveOperation(VERA, header, evidence);
    }

    function test_another_program_is_refused() public {
        (Header memory header, Draft memory evidence) = wrongMap(MINER);
        evidence.program.descriptor = Traces.doubled(1, Traces.ELEMENTS);
        refuse(header, evidence, ICourt.WrongRoot.selector);
        evidence.program = Traces.openProgram(Tree.Step, 5); // another tensor's
        refuse(header, evidence, ICourt.WrongRoot.selector);
        evidence.program = Traces.openProgram(Tree.Before, Traces.DOUBLED); // the same one, in the evaluation
        refuse(header, evidence, ICourt.BadOpening.selector);
        for (uint256 i = 0; i < 5; ++i) {
            evidence.program = Traces.openProgram(Tree.Step, Traces.DOUBLED);
            evidence.program.sections[4 * i + 3] ^= i == 4 ? bytes1(0x03) : bytes1(0x01); // of as many levels
            refuse(header, evidence, ICourt.WrongRoot.selector);
        }
    }

    /// forge-config: default.fuzz.runs = 96
    /// Any flipped bit of what is packed is refused: positions and counts, leaves and nodes, of several tensors.
    function test_a_flipped_bit_is_refused(uint256 which, bool program) public {
        (Header memory header, Draft memory draft) = wrongMap(MINER);
        draft.opening.slices[OPERAND] = Traces.slice(wrongTrace(), 0, 1, 3);
        OperationEvidence memory evidence = packed(draft);
        flip(program ? evidence.program : evidence.opening, which);
        vm.expectRevert();
        real.proveOperation(header, TraceId(Tree.Step, 0), none, evidence, SALT);
    }

    /// forge-config: default.fuzz.runs = 64
    /// So is whatever is cut off, or added.
    function test_another_length_is_refused(uint8 cut, bytes calldata more, bool program) public {
        (Header memory header, Draft memory draft) = wrongMap(MINER);
        OperationEvidence memory evidence = packed(draft);
        bytes memory whole = program ? evidence.program : evidence.opening;
        bytes memory changed = new bytes(whole.length - (cut % whole.length));
        for (uint256 i = 0; i < changed.length; ++i) {
            changed[i] = whole[i];
        }
        if (changed.length == whole.length) changed = bytes.concat(whole, more, hex"00");
        if (program) evidence.program = changed;
        else evidence.opening = changed;
        vm.expectRevert();
        real.proveOperation(header, TraceId(Tree.Step, 0), none, evidence, SALT);
    }

    // -- kinds

    /// Pitfall 17, mixed versions: what this court cannot compute, it convicts nobody of.
    function test_pitfall_17_an_unknown_operation_convicts_nobody() public {
        uint32[][] memory tensors = wrongTrace();
        Header memory header = headerOf(MINER, tensors);
        bytes32 id = propose(header);
        Draft memory evidence = mapEvidence(tensors);
        evidence.tensor = Traces.UNKNOWN;
        evidence.program = Traces.openProgram(Tree.Step, Traces.UNKNOWN);
        evidence.opening = Traces.open(tensors, Traces.slice(tensors, Traces.UNKNOWN, LEAF, 1));
        commit(VERA, operationCall(header, evidence, SALT));
        pass(1);
        expect(abi.encodeWithSelector(Operations.NotComputed.selector, Traces.UNKNOWN_KIND));
        proveOperation(VERA, header, evidence);
        assertStatus(id, Status.Pending, "status");
    }

    function test_nothing_computes_an_input() public {
        uint32[][] memory tensors = wrongTrace();
        Header memory header = headerOf(MINER, tensors);
        propose(header);
        Draft memory evidence = mapEvidence(tensors);
        evidence.tensor = 1;
        evidence.program = Traces.openProgram(Tree.Step, 1);
        evidence.opening = Traces.open(tensors, Traces.slice(tensors, 1, LEAF, 1));
        expect(abi.encodeWithSelector(Operations.NotComputed.selector, Operations.INPUT));
        proveOperation(VERA, header, evidence);
    }

    // -- sums: the bits of Fixture, 100 right with W and 101 with W'

    function test_a_wrong_sum_of_the_root_is_convicted() public {
        Header memory header = honestHeader(MINER);
        header.correctAfter = 102;
        bytes32 id = propose(header);
        SumsEvidence memory evidence = rootSums(header);
        commit(VERA, abi.encodeCall(real.proveSums, (header, evidence, SALT)));
        pass(1);
        proveSums(VERA, header, evidence);
        assertStatus(id, Status.Slashed, "status");
    }

    function test_a_wrong_sum_of_a_leaf_is_convicted() public {
        Header memory header = honestHeader(MINER);
        SumsEvidence memory evidence = leafSums(2);
        evidence.afterwards += 1;
        SumNode memory node = SumNode(AccuracyTree.leaf(bits()[2]).hash, evidence.before, evidence.afterwards);
        for (uint256 d = 0; d < 4; ++d) {
            SumNode memory other = evidence.siblings[d];
            node = (2 >> d) & 1 == 0 ? AccuracyTree.parent(node, other) : AccuracyTree.parent(other, node);
        }
        (header.evalRoot, header.correctAfter) = (node.hash, node.afterwards); // the lie, carried up to the header
        bytes32 id = propose(header);
        commit(VERA, abi.encodeCall(real.proveSums, (header, evidence, SALT)));
        pass(1);
        proveSums(VERA, header, evidence);
        assertStatus(id, Status.Slashed, "status");
    }

    function test_honest_sums_hold_at_every_node() public {
        Header memory header = honestHeader(MINER);
        propose(header);
        expect(abi.encodeWithSelector(ICourt.SumsHold.selector, 4, 0));
        proveSums(VERA, header, rootSums(header));
        for (uint32 index = 0; index < 16; ++index) {
            expect(abi.encodeWithSelector(ICourt.SumsHold.selector, 0, index));
            proveSums(VERA, header, leafSums(index));
        }
    }

    function test_sums_that_do_not_lie_under_the_header_are_refused() public {
        Header memory header = honestHeader(MINER);
        propose(header);
        SumsEvidence memory evidence = rootSums(header);
        evidence.afterwards += 1;
        expect(abi.encodeWithSelector(ICourt.BadOpening.selector, 102, 101));
        proveSums(VERA, header, evidence);
        evidence = leafSums(2);
        evidence.afterwards += 1;
        vm.expectPartialRevert(ICourt.WrongRoot.selector);
        proveSums(VERA, header, evidence);
        evidence = leafSums(2);
        evidence.content[0] ^= 0x01;
        vm.expectPartialRevert(ICourt.WrongRoot.selector);
        proveSums(VERA, header, evidence);
        evidence = leafSums(2);
        evidence.level = 1;
        vm.expectPartialRevert(ICourt.BadOpening.selector);
        proveSums(VERA, header, evidence);
        evidence = leafSums(2);
        evidence.index = 18; // 2, if a bit above the tree were ignored
        vm.expectPartialRevert(ICourt.BadOpening.selector);
        proveSums(VERA, header, evidence);
    }

    // -- bits

    function test_a_bit_whose_evaluation_was_not_shown_is_not_explained() public {
        Header memory header = honestHeader(MINER);
        propose(header);
        TraceId memory trace = TraceId(Tree.Before, SAMPLE);
        expect(abi.encodeWithSelector(ICourt.NotExplained.selector, trace));
        proveBit(VERA, header, trace, bitEvidence(true));
        trace.tree = Tree.Step;
        expect(abi.encodeWithSelector(ICourt.NotExplained.selector, trace));
        proveBit(VERA, header, trace, bitEvidence(true));
    }

    /// What comes to another verdict explains nothing; the block waits for what does.
    function test_an_explanation_that_contradicts_its_bit_is_refuted() public {
        (Header memory header, TraceId memory trace) = explainedSample(Tree.Before, SAMPLE, Traces.evaluation(false));
        BitEvidence memory evidence = bitEvidence(false);
        commit(VERA, abi.encodeCall(real.proveBit, (header, trace, evidence, SALT)));
        pass(1);
        bytes32 id = registry.blockIdOf(header);
        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationRefuted(id, Tree.Before, SAMPLE, VIOLA, VERA, block.timestamp + ANSWER);
        proveBit(VERA, header, trace, evidence);
        assertStatus(id, Status.Pending, "the block is not convicted");
        assertTrue(explanations.explanationOf(id, Tree.Before, SAMPLE).state == ExplanationState.Open, "open again");
        expect(abi.encodeWithSelector(ICourt.NotExplained.selector, trace));
        proveBit(VERA, header, trace, evidence);
    }

    /// A wrong element of an evaluation is its explanation's fault, not the block's.
    function test_a_wrong_element_of_an_explanation_refutes_it() public {
        uint32[][] memory tensors = Traces.evaluation(true);
        tensors[Traces.DOUBLED][WRONG] = 0x7f800000;
        (Header memory header, TraceId memory trace) = explainedSample(Tree.Before, SAMPLE, tensors);
        OperationEvidence memory evidence = OperationEvidence(
            Traces.DOUBLED,
            WRONG,
            Traces.pack(Traces.openProgram(Tree.Before, Traces.DOUBLED)),
            Traces.pack(Traces.open(tensors, Traces.slice(tensors, Traces.DOUBLED, LEAF, 1)))
        );
        commit(VERA, abi.encodeCall(real.proveOperation, (header, trace, none, evidence, SALT)));
        pass(1);
        bytes32 id = registry.blockIdOf(header);
        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationRefuted(id, Tree.Before, SAMPLE, VIOLA, VERA, block.timestamp + ANSWER);
        vm.prank(VERA);
        real.proveOperation(header, trace, none, evidence, SALT);
        assertStatus(id, Status.Pending, "the block is not convicted");
        assertEq(vault.creditOf(VERA), ATTEST_BOND / 2, "half of the bond");
    }

    function test_a_bit_that_its_evaluation_confirms_holds() public {
        (Header memory header, TraceId memory trace) = explainedSample(Tree.After, SAMPLE, Traces.evaluation(true));
        expect(abi.encodeWithSelector(ICourt.BitHolds.selector, SAMPLE, true));
        proveBit(VERA, header, trace, bitEvidence(true));
        trace.index = SAMPLE + 1; // another one, which was not shown
        expect(abi.encodeWithSelector(ICourt.NotExplained.selector, trace));
        proveBit(VERA, header, trace, bitEvidence(true));
    }

    // -- blocks

    function wrongTrace() private pure returns (uint32[][] memory tensors) {
        tensors = Traces.step();
        tensors[Traces.DOUBLED][WRONG] += 1; // one ulp
    }

    function headerOf(address miner, uint32[][] memory tensors) private view returns (Header memory header) {
        header = makeHeader(registry.genesisId(), miner, 1);
        header.preRoot = Traces.stateRoot(tensors[0]);
        header.postRoot = Traces.stateRoot(tensors[5]);
        header.traceRoot = Traces.traceRoot(header.preRoot, tensors, header.postRoot);
        header.indices = derivedIndices(header);
    }

    function honestHeader(address miner) private view returns (Header memory) {
        return headerOf(miner, Traces.step());
    }

    function wrongMap(address miner) private view returns (Header memory, Draft memory) {
        uint32[][] memory tensors = wrongTrace();
        return (headerOf(miner, tensors), mapEvidence(tensors));
    }

    function mapEvidence(uint32[][] memory tensors) private pure returns (Draft memory evidence) {
        evidence.tensor = Traces.DOUBLED;
        evidence.element = WRONG;
        evidence.program = Traces.openProgram(Tree.Step, Traces.DOUBLED);
        Slice[] memory slices = new Slice[](2);
        slices[OPERAND] = Traces.slice(tensors, 0, LEAF, 1);
        slices[CLAIMED] = Traces.slice(tensors, Traces.DOUBLED, LEAF, 1);
        evidence.opening = Traces.open(tensors, slices);
    }

    function packed(Draft memory draft) private pure returns (OperationEvidence memory) {
        return OperationEvidence(draft.tensor, draft.element, Traces.pack(draft.program), Traces.pack(draft.opening));
    }

    /// A block of which somebody has explained how a sample is evaluated.
    function explainedSample(Tree tree, uint32 sample, uint32[][] memory tensors)
        private
        returns (Header memory header, TraceId memory trace)
    {
        header = honestHeader(MINER);
        trace = TraceId(tree, sample);
        showBits(propose(header), header);
        bond(VIOLA, Role.Verifier, ATTEST_BOND);
        demandExplanation(VERA, header, tree, sample);
        bytes memory program = Traces.pack(Traces.openProgram(tree, 0));
        vm.prank(VIOLA);
        explanations.explain(header, tree, sample, program, Traces.evaluationRoots(tensors), Role.Verifier);
    }

    function bitEvidence(bool correct) private pure returns (BitEvidence memory evidence) {
        uint32[][] memory tensors = Traces.evaluation(correct);
        evidence.program = Traces.pack(Traces.openProgram(Tree.Before, Traces.VERDICT));
        evidence.opening = Traces.pack(Traces.open(tensors, Traces.slice(tensors, Traces.VERDICT, 0, 1)));
    }

    function rootSums(Header memory header) private pure returns (SumsEvidence memory evidence) {
        SumNode[][] memory rows = sumRows();
        evidence.level = 4;
        (evidence.before, evidence.afterwards) = (header.correctBefore, header.correctAfter);
        evidence.content = bytes.concat(packed(rows[3][0]), packed(rows[3][1]));
    }

    function leafSums(uint32 index) private pure returns (SumsEvidence memory evidence) {
        SumNode[][] memory rows = sumRows();
        evidence.index = index;
        (evidence.before, evidence.afterwards) = (rows[0][index].before, rows[0][index].afterwards);
        evidence.content = abi.encodePacked(bits()[index][0], bits()[index][1]);
        evidence.siblings = bitSiblings(index);
    }

    function sumRows() private pure returns (SumNode[][] memory rows) {
        rows = new SumNode[][](5);
        rows[0] = new SumNode[](16);
        for (uint256 i = 0; i < 16; ++i) {
            rows[0][i] = AccuracyTree.leaf(bits()[i]);
        }
        for (uint256 d = 1; d < 5; ++d) {
            rows[d] = new SumNode[](16 >> d);
            for (uint256 i = 0; i < rows[d].length; ++i) {
                rows[d][i] = AccuracyTree.parent(rows[d - 1][2 * i], rows[d - 1][2 * i + 1]);
            }
        }
    }

    function packed(SumNode memory node) private pure returns (bytes memory) {
        return abi.encodePacked(node.hash, node.before, node.afterwards);
    }

    // -- calls

    function operationCall(Header memory header, Draft memory evidence, bytes32 salt)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(real.proveOperation, (header, TraceId(Tree.Step, 0), none, packed(evidence), salt));
    }

    function proveOperation(address challenger, Header memory header, Draft memory evidence) private {
        OperationEvidence memory call = packed(evidence);
        vm.prank(challenger);
        real.proveOperation(header, TraceId(Tree.Step, 0), none, call, SALT);
    }

    function commitAndProveOperation(address challenger, Header memory header, Draft memory evidence) private {
        commit(challenger, operationCall(header, evidence, SALT));
        pass(1);
        proveOperation(challenger, header, evidence);
    }

    function proveSums(address challenger, Header memory header, SumsEvidence memory evidence) private {
        vm.prank(challenger);
        real.proveSums(header, evidence, SALT);
    }

    function proveBit(address challenger, Header memory header, TraceId memory trace, BitEvidence memory evidence)
        private
    {
        vm.prank(challenger);
        real.proveBit(header, trace, evidence, SALT);
    }

    /// Evidence is judged before the commitment is looked for, so none is needed to be refused.
    function refuse(Header memory header, Draft memory evidence, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        proveOperation(VERA, header, evidence);
    }

    function expect(bytes memory reason) private {
        vm.expectRevert(reason);
    }

    function longer(bytes32[] memory words) private pure returns (bytes32[] memory more) {
        more = new bytes32[](words.length + 1);
        for (uint256 i = 0; i < words.length; ++i) {
            more[i] = words[i];
        }
    }

    /// Flips one of the bits, by number.
    function flip(bytes memory data, uint256 which) private pure {
        which %= 8 * data.length;
        data[which / 8] ^= bytes1(uint8(1 << (which % 8)));
    }
}
