// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BitEvidence, ICourt, OperationEvidence, TraceId} from "../../../contracts/interfaces/ICourt.sol";
import {ExplanationState, IExplanations} from "../../../contracts/interfaces/IExplanations.sol";
import {Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {StepFixture} from "../fixtures/StepFixture.sol";
import {Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Bits before the real court: what explains them, and what refutes that.
contract BitsTest is StepFixture {
    uint32 private constant SAMPLE = 600; // its bits are in leaf 2 of the accuracy tree: right with W and W'

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

    // -- helpers

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

    function proveBit(address challenger, Header memory header, TraceId memory trace, BitEvidence memory evidence)
        private
    {
        vm.prank(challenger);
        real.proveBit(header, trace, evidence, SALT);
    }
}
