// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt, Opening} from "../../contracts/interfaces/ICourt.sol";
import {TensorTree} from "../../contracts/lib/TensorTree.sol";
import {Fixture} from "./Fixture.sol";
import {States} from "./States.sol";
import {vm} from "./Vm.sol";

contract TensorTreeTest is Fixture {
    /// forge-config: default.fuzz.runs = 24
    function test_every_element_opens(uint16 a, uint16 b, uint16 c, uint16 element_) public view {
        uint32[][] memory tensors = new uint32[][](3);
        uint16[3] memory sizes = [a, b, c];
        for (uint256 t = 0; t < 3; ++t) {
            tensors[t] = new uint32[](bound(sizes[t], 1, 330));
            for (uint256 i = 0; i < tensors[t].length; ++i) {
                tensors[t][i] = uint32(uint256(keccak256(abi.encode(t, i))));
            }
        }
        bytes32 root = States.root(tensors);
        for (uint256 t = 0; t < 3; ++t) {
            uint256 element = bound(element_, 0, tensors[t].length - 1);
            (bytes32 opened, uint32 bits) = this.open(States.open(tensors, t, element), t, element);
            assertEq(opened, root, "root");
            assertEq(bits, tensors[t][element], "bits");
        }
    }

    /// forge-config: default.fuzz.runs = 8
    function test_a_changed_bit_changes_the_root(uint8 bit) public view {
        Opening memory opening = States.open(weights(), 1, 60);
        opening.leaf[60 * 4] ^= bytes1(uint8(1 << (bit % 8)));
        (bytes32 root,) = this.open(opening, 1, 60);
        assertTrue(root != States.root(weights()), "root");
    }

    function test_another_position_gives_another_root() public view {
        (bytes32 root,) = this.open(States.open(weights(), 1, 60), 1, 64);
        assertTrue(root != States.root(weights()), "leaf");
        (root,) = this.open(States.open(weights(), 1, 60), 2, 60);
        assertTrue(root != States.root(weights()), "tensor");
    }

    /// A leaf must not pass for a node, nor a shallow tree for a deep one: counts fix the depths.
    function test_wrong_shapes_are_refused() public {
        Opening memory opening = States.open(weights(), 1, 60);
        refused(opening, 1, 130, 130, 130);
        refused(opening, 3, 60, 3, 3);

        opening.leaf = new bytes(255);
        refused(opening, 1, 60, 255, 256);

        opening = States.open(weights(), 1, 60);
        opening.tensorPath = new bytes32[](1);
        refused(opening, 1, 60, 1, 2);

        opening = States.open(weights(), 1, 60);
        opening.statePath = new bytes32[](3);
        refused(opening, 1, 60, 3, 2);
    }

    function refused(Opening memory opening, uint256 tensor, uint256 element, uint256 index, uint256 count) internal {
        vm.expectRevert(abi.encodeWithSelector(ICourt.BadOpening.selector, index, count));
        this.open(opening, tensor, element);
    }

    function open(Opening calldata opening, uint256 tensor, uint256 element) external pure returns (bytes32, uint32) {
        return TensorTree.open(opening, tensor, element);
    }
}
