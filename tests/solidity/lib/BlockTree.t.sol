// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockTree} from "../../../contracts/lib/BlockTree.sol";
import {Block, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice Jump pointers and liveness against a naive walk over random trees.
contract BlockTreeTest is Fixture {
    using BlockTree for BlockTree.Tree;

    uint256 private constant NODES = 40;

    BlockTree.Tree private tree;
    bytes32[] private nodes;

    /// forge-config: default.fuzz.runs = 40
    function test_isAncestor_equals_a_naive_walk(uint256 seed) public {
        grow(seed, 8);
        for (uint256 i = 0; i < nodes.length; i += 3) {
            for (uint256 j = 0; j < nodes.length; ++j) {
                assertTrue(tree.isAncestor(nodes[i], nodes[j]) == naive(nodes[i], nodes[j]), "isAncestor");
            }
        }
    }

    /// Long and thin: parents among the last two blocks only.
    /// forge-config: default.fuzz.runs = 40
    function test_isAncestor_equals_a_naive_walk_on_long_branches(uint256 seed) public {
        grow(seed, 2);
        for (uint256 j = 0; j < nodes.length; ++j) {
            bytes32 ancestor = nodes[uint256(keccak256(abi.encode(seed, "pick", j))) % nodes.length];
            assertTrue(tree.isAncestor(ancestor, nodes[j]) == naive(ancestor, nodes[j]), "isAncestor");
        }
    }

    /// A jump lands at the height that jumpHeight says, on an ancestor.
    /// forge-config: default.fuzz.runs = 40
    function test_jumps_land_where_they_should(uint256 seed) public {
        grow(seed, 3);
        for (uint256 i = 1; i < nodes.length; ++i) {
            Block storage node = tree.blocks[nodes[i]];
            assertEq(tree.blocks[node.jump].height, BlockTree.jumpHeight(node.height), "height");
            assertTrue(naive(node.jump, nodes[i]), "ancestor");
        }
    }

    /// Pitfall 15: the look-up stays logarithmic in the height, whatever the distance.
    function test_pitfall_15_walks_are_logarithmic(uint40 height, uint40 distance) public pure {
        distance = uint40(bound(distance, 0, height));
        uint256 target = height - distance;
        uint256 climbed = height;
        uint256 steps = 0;
        while (climbed > target) {
            uint256 landing = BlockTree.jumpHeight(climbed);
            climbed = landing >= target ? landing : climbed - 1;
            ++steps;
        }
        assertTrue(steps <= 3 * Math.log2(uint256(height) + 1, Math.Rounding.Ceil), "too many steps");
    }

    /// A block is live iff no slashed block lies below it and it descends from the tip, whatever was checked before.
    /// forge-config: default.fuzz.runs = 40
    function test_liveness_equals_a_naive_check(uint256 seed) public {
        grow(seed, 6);
        for (uint256 round = 0; round < 6; ++round) {
            bytes32 cutAt = nodes[1 + uint256(keccak256(abi.encode(seed, "cut", round))) % (nodes.length - 1)];
            tree.blocks[cutAt].status = Status.Slashed;
            tree.cut(cutAt);
            for (uint256 i = round; i < nodes.length; i += 4) {
                assertTrue(live(nodes[i]) == naivelyLive(nodes[i]), "live");
            }
            assertTrue(naivelyLive(tree.head), "the head is always live");
        }
    }

    function live(bytes32 id) internal returns (bool) {
        try this.requireLive(id) {
            return true;
        } catch {
            return false;
        }
    }

    function requireLive(bytes32 id) external {
        tree.requireLive(id, type(uint256).max);
    }

    /// Adds NODES random blocks, each on one of the last `breadth`.
    function grow(uint256 seed, uint256 breadth) internal {
        delete nodes;
        tree.plant("genesis", 0);
        nodes.push("genesis");
        for (uint256 i = 1; i < NODES; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint256 back = random % (breadth < i ? breadth : i);
            insert(keccak256(abi.encode("node", i)), nodes[i - 1 - back]);
        }
    }

    function insert(bytes32 id, bytes32 parent) internal {
        Block storage node = tree.blocks[id];
        node.status = Status.Pending;
        node.parent = parent;
        node.height = tree.blocks[parent].height + 1;
        node.jump = tree.jumpFrom(parent, tree.blocks[parent].height);
        node.totalWork = tree.blocks[parent].totalWork + 16;
        node.sequence = tree.proposals++;
        node.slashesSeen = tree.slashes;
        nodes.push(id);
        tree.offer(id);
    }

    function naive(bytes32 ancestor, bytes32 descendant) internal view returns (bool) {
        while (descendant != ancestor && tree.blocks[descendant].height > 0) {
            descendant = tree.blocks[descendant].parent;
        }
        return descendant == ancestor;
    }

    function naivelyLive(bytes32 id) internal view returns (bool) {
        for (; tree.blocks[id].height > 0; id = tree.blocks[id].parent) {
            if (tree.blocks[id].status == Status.Slashed) return false;
        }
        return id == tree.finalizedTip;
    }
}
