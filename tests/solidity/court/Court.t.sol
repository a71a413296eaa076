// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {ICourt} from "../../../contracts/interfaces/ICourt.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Operations} from "../../../contracts/lib/Operations.sol";
import {EvidenceKind, Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {StepFixture} from "../fixtures/StepFixture.sol";
import {Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice A wrong element before the real court: what convicts, under which commitment, and of which block.
contract CourtTest is StepFixture {
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

    // -- helpers

    function commitAndProveOperation(address challenger, Header memory header, Draft memory evidence) private {
        commit(challenger, operationCall(header, evidence, SALT));
        pass(1);
        proveOperation(challenger, header, evidence);
    }
}
