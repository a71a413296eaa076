// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Claim, SumNode} from "../interfaces/ICourt.sol";
import {Position} from "../interfaces/IDemands.sol";
import {Header, Tree} from "../Types.sol";
import {AccuracyTree} from "./AccuracyTree.sol";
import {Check} from "./Check.sol";
import {Merkle} from "./Merkle.sol";
import {Operations} from "./Operations.sol";
import {Tags} from "./Tags.sol";
import {TensorTree} from "./TensorTree.sol";
import {Sections, Trace} from "./Trace.sol";

/// @title What answers a demand.
/// @dev An answer must have the form that the program gives a tree: so many tensors, so many elements, zeros as
/// padding. Whoever committed to anything else cannot answer, so no evidence about malformed trees is needed.
library Answers {
    uint256 internal constant LEAF_GROUP = 256;
    uint256 internal constant MAX_NODES = 2048;

    /// @notice Leaves of the tensor. Reverts unless the program has it, and it such a group of leaves: what does not
    /// exist must not be demanded, since nobody could show it.
    function checkPosition(Position calldata position, bytes32 programRoot, bytes calldata program)
        internal
        pure
        returns (uint256 leaves)
    {
        Sections memory sections = Trace.checkProgram(program, programRoot, position.tree, position.tensor);
        Check.below(position.tensor, Trace.tensorsOf(sections, position.tree));
        leaves = TensorTree.leavesOf(Operations.size(Trace.descriptor(program)));
        Check.below(position.group * LEAF_GROUP, leaves);
    }

    /// @notice The trace root that these tensor roots make. A step's sections must be those claimed.
    function checkRoots(
        Claim memory claim,
        Tree tree,
        bytes32 programRoot,
        bytes calldata program,
        bytes32[] calldata roots
    ) internal pure returns (bytes32 traceRoot) {
        (uint256 batch, uint256 inner, uint256 posts, uint256 end) =
            _cuts(Trace.checkProgram(program, programRoot, tree, 0), tree);
        Check.equal(roots.length, end);

        if (Trace.ofStep(tree)) {
            Check.sameRoot(_listRoot(Tags.STATE_ROOT, roots[:batch]), claim.stateRoot);
            Check.sameRoot(_listRoot(Tags.STATE_ROOT, roots[posts:]), claim.postRoot);
        }
        bytes32 batchRoot = _listRoot(Tags.BATCH_ROOT, roots[batch:inner]);
        bytes32 innerRoot = _listRoot(Tags.INNER_ROOT, roots[inner:posts]);
        traceRoot = Trace.root(claim, batchRoot, innerRoot);
        if (Trace.ofStep(tree)) Check.sameRoot(traceRoot, claim.traceRoot);
    }

    /// @notice Reverts unless these are the nodes of the tensor's lowest level that has at most MAX_NODES.
    function checkNodes(
        Claim memory claim,
        bytes32 programRoot,
        Position calldata position,
        bytes calldata program,
        bytes32[] calldata nodes,
        bytes calldata path
    ) internal pure {
        Sections memory sections = Trace.checkProgram(program, programRoot, position.tree, position.tensor);
        bytes32 root = _tensorRoot(Operations.size(Trace.descriptor(program)), nodes);
        TensorTree.Opened memory opened = TensorTree.only(position.tensor, root, path);
        Trace.check(claim, position.tree, sections, opened);
    }

    /// @notice Reverts unless the opening is of the group of leaves that was demanded.
    function checkLeaves(
        Claim memory claim,
        bytes32 programRoot,
        Position calldata position,
        bytes calldata program,
        bytes calldata opening
    ) internal pure {
        Sections memory sections = Trace.checkProgram(program, programRoot, position.tree, position.tensor);
        _checkGroup(position, Operations.size(Trace.descriptor(program)), opening);
        Trace.open(claim, position.tree, sections, opening);
    }

    /// @notice Reverts unless these are the leaves of the accuracy tree, and their sums those of the header.
    function checkBits(Header calldata header, bytes32[2][] calldata words, uint256 samples) internal pure {
        uint256 leaves = AccuracyTree.leavesOf(samples);
        Check.equal(words.length, leaves);
        Check.equal(AccuracyTree.beyond(words[leaves - 1], leaves - 1, samples) ? 1 : 0, 0);

        SumNode memory root = AccuracyTree.rootOf(words);
        Check.sameRoot(root.hash, header.evalRoot);
        Check.equal(root.before, header.correctBefore);
        Check.equal(root.afterwards, header.correctAfter);
    }

    /// @dev Where the sections begin among the roots that are shown of a trace, and where the last one ends: of a step
    /// all, of an evaluation those of batch and inner tensors.
    function _cuts(Sections memory sections, Tree tree)
        private
        pure
        returns (uint256 batch, uint256 inner, uint256 posts, uint256 end)
    {
        uint256 hidden = Trace.ofStep(tree) ? 0 : sections.states;
        batch = sections.states - hidden;
        inner = batch + sections.batches;
        posts = Trace.postsFrom(sections, tree) - hidden;
        end = Trace.tensorsOf(sections, tree) - hidden;
    }

    /// @dev Reverts unless the opening is of one run, the group, and has zeros for padding.
    function _checkGroup(Position calldata position, uint256 elements, bytes calldata opening) private pure {
        uint256 leaves = TensorTree.leavesOf(elements);
        uint256 first = position.group * LEAF_GROUP;
        Check.below(first, leaves);
        uint256 count = leaves - first < LEAF_GROUP ? leaves - first : LEAF_GROUP;
        bytes20 expected = TensorTree.oneRun(position.tensor, elements, first, count);
        Check.equal(uint160(bytes20(opening)), uint160(expected));
        uint256 end = expected.length + TensorTree.LEAF_BYTES * count;
        if (first + count == leaves) _checkPadding(opening[expected.length:end], 4 * (elements - 64 * first));
    }

    function _tensorRoot(uint256 elements, bytes32[] calldata nodes) private pure returns (bytes32) {
        uint256 width = TensorTree.leavesOf(elements);
        while (width > MAX_NODES) width = (width + 1) / 2;
        Check.equal(nodes.length, width);
        return TensorTree.tensorRoot(elements, Merkle.top(Tags.TENSOR_NODE, nodes));
    }

    function _listRoot(bytes8 tag, bytes32[] calldata roots) private pure returns (bytes32) {
        return TensorTree.listRoot(tag, roots.length, Merkle.top(Tags.LIST_NODE, roots));
    }

    /// @dev Whatever follows the last element in its leaf is zero.
    function _checkPadding(bytes calldata leaves, uint256 used) private pure {
        for (uint256 i = used; i < leaves.length; ++i) {
            Check.equal(uint8(leaves[i]), 0);
        }
    }
}
