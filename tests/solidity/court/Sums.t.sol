// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt, SumNode, SumsEvidence} from "../../../contracts/interfaces/ICourt.sol";
import {AccuracyTree} from "../../../contracts/lib/AccuracyTree.sol";
import {Header, Status} from "../../../contracts/Types.sol";
import {StepFixture} from "../fixtures/StepFixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Sums of the accuracy tree before the real court: the bits of Fixture, 100 right with W and 101 with W'.
contract SumsTest is StepFixture {
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

    // -- helpers

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

    function proveSums(address challenger, Header memory header, SumsEvidence memory evidence) private {
        vm.prank(challenger);
        real.proveSums(header, evidence, SALT);
    }
}
