// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProgramOpening, Sections, TraceId, TraceParts} from "../interfaces/ICourt.sol";
import {Header, Tree} from "../Types.sol";
import {Check} from "./Check.sol";
import {Merkle} from "./Merkle.sol";
import {Tags} from "./Tags.sol";
import {TensorTree} from "./TensorTree.sol";

/// @title Traces and the programs that made them; mirror of pol_oracle/canonical/programs.py and traces.py.
/// @dev A trace's tensors come in sections: a state, a batch, the inner tensors and, in a step, the new state. Its root
/// is keccak256(TRACE_ROOT, state, batch, inner, new state), the last one bytes32(0) in an evaluation. For a step the
/// states' roots are the header's own, so a trace can be of no other states.
library Trace {
    /// @notice Root of the state that the trace starts from.
    function stateRoot(Header calldata header, Tree tree) internal pure returns (bytes32) {
        return tree == Tree.After ? header.postRoot : header.preRoot;
    }

    function root(Header calldata header, Tree tree, TraceParts memory parts) internal pure returns (bytes32) {
        bytes32 post = tree == Tree.Step ? header.postRoot : bytes32(0);
        return
            keccak256(
                abi.encodePacked(Tags.TRACE_ROOT, stateRoot(header, tree), parts.batchRoot, parts.innerRoot, post)
            );
    }

    /// @notice Tensors of a program.
    function tensorsOf(Sections memory sections, Tree tree) internal pure returns (uint256) {
        return tree == Tree.Step ? sections.stepTensors : sections.evaluationTensors;
    }

    /// @notice Number of the first tensor of the new state; where an evaluation's last section ends.
    function postsFrom(Sections memory sections, Tree tree) internal pure returns (uint256) {
        return tree == Tree.Step ? sections.stepTensors - sections.posts : sections.evaluationTensors;
    }

    /// @notice Reverts unless the parts are those of `traceRoot`.
    function checkParts(Header calldata header, Tree tree, bytes32 traceRoot, TraceParts calldata parts) internal pure {
        Check.sameRoot(root(header, tree, parts), traceRoot);
    }

    /// @notice Where a tensor of a trace lies: in which list, and where in it. The parts must have been checked.
    function locate(
        Header calldata header,
        Tree tree,
        TraceParts calldata parts,
        Sections memory sections,
        uint256 tensor
    ) internal pure returns (TensorTree.Place memory place) {
        Check.below(tensor, tensorsOf(sections, tree));

        uint256 states = sections.states;
        uint256 inner = states + sections.batches;
        uint256 posts = postsFrom(sections, tree);
        if (tensor < states) {
            return TensorTree.Place(Tags.STATE_ROOT, stateRoot(header, tree), states, tensor);
        }
        if (tensor < inner) {
            return TensorTree.Place(Tags.BATCH_ROOT, parts.batchRoot, inner - states, tensor - states);
        }
        if (tensor < posts) {
            return TensorTree.Place(Tags.INNER_ROOT, parts.innerRoot, posts - inner, tensor - inner);
        }
        return TensorTree.Place(Tags.STATE_ROOT, header.postRoot, sections.posts, tensor - posts);
    }

    /// @notice Reverts unless the opening is that of the descriptor of this tensor.
    function checkProgram(ProgramOpening calldata opening, bytes32 programRoot, Tree tree, uint256 tensor)
        internal
        pure
    {
        Sections memory sections = opening.sections;
        uint256 count = uint256(sections.stepTensors) + sections.evaluationTensors;
        uint256 index = tree == Tree.Step ? tensor : sections.stepTensors + tensor;
        bytes32 leaf = keccak256(abi.encodePacked(Tags.PROGRAM_LEAF, opening.descriptor));
        bytes32 top = Merkle.climb(Tags.PROGRAM_NODE, leaf, index, count, opening.path);
        bytes32 actual = keccak256(
            abi.encodePacked(
                Tags.PROGRAM_ROOT,
                sections.states,
                sections.batches,
                sections.stepTensors,
                sections.posts,
                sections.evaluationTensors,
                top
            )
        );
        Check.sameRoot(actual, programRoot);
    }
}
