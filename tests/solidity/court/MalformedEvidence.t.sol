// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt, OperationEvidence, TraceId} from "../../../contracts/interfaces/ICourt.sol";
import {Header, Tree} from "../../../contracts/Types.sol";
import {StepFixture} from "../fixtures/StepFixture.sol";
import {Slice, Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Evidence about an operation that does not open what it claims: refused, and convicts nobody.
contract MalformedEvidenceTest is StepFixture {
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

    // -- helpers

    /// Evidence is judged before the commitment is looked for, so none is needed to be refused.
    function refuse(Header memory header, Draft memory evidence, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        proveOperation(VERA, header, evidence);
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
