// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Claim, SegmentEntry, SegmentStep} from "../interfaces/ICourt.sol";
import {IPoLRegistry} from "../interfaces/IPoLRegistry.sol";
import {Header} from "../Types.sol";
import {Check} from "./Check.sol";
import {Headers} from "./Headers.sol";
import {Merkle} from "./Merkle.sol";
import {Tags} from "./Tags.sol";
import {Trace} from "./Trace.sol";

/// @title The list of a segment's steps; mirror of pol_oracle/canonical/commitments/segments.py.
/// @dev The trace of a step follows from its entry and the one before, so a list cannot contradict itself; and the last
/// entry opens only if it leads to the W of the block's own step, so a list that ends elsewhere cannot answer a demand.
library Segments {
    /// @notice What the header's segment claims of the trace of a step. Reverts if it is shown wrongly, or does not
    /// exist.
    function claimOf(IPoLRegistry registry, Header calldata header, uint256 step, SegmentStep calldata shown)
        internal
        view
        returns (Claim memory claim)
    {
        uint256 steps = registry.trainingSteps();
        SegmentEntry[] calldata entries = shown.entries;
        Check.equal(entries.length, step == 0 ? 1 : 2);
        _checkEntries(steps, step, shown, header.segmentRoot);
        SegmentEntry calldata own = entries[entries.length - 1];
        if (step + 1 == steps) Check.sameRoot(own.stateRoot, header.preRoot);
        claim.stateRoot = _startOf(registry, header.parent, step, shown);
        claim.postRoot = own.stateRoot;
        claim.traceRoot = Trace.root(claim, own.batchRoot, own.innerRoot);
    }

    /// @notice Root of the list with these hashes, which are overwritten.
    function root(bytes32[] memory hashes) internal pure returns (bytes32) {
        uint256 steps = hashes.length;
        return Merkle.counted(Tags.SEGMENT_ROOT, steps, Merkle.top(Tags.SEGMENT_NODE, hashes));
    }

    /// @dev Reverts unless the root is that of a list which ends, of the steps up to this one, in these entries.
    function _checkEntries(uint256 steps, uint256 step, SegmentStep calldata shown, bytes32 expected) private pure {
        SegmentEntry[] calldata entries = shown.entries;
        bytes32[] memory pairs = new bytes32[](2 * entries.length); // of a place and a hash
        for (uint256 i = 0; i < entries.length; ++i) {
            SegmentEntry calldata entry = entries[i];
            pairs[2 * i] = bytes32(step + 1 + i - entries.length);
            pairs[2 * i + 1] =
                keccak256(abi.encodePacked(Tags.SEGMENT_LEAF, entry.batchRoot, entry.innerRoot, entry.stateRoot));
        }
        (uint256 start, uint256 next, uint256 end) = _bounds(pairs, shown.path);
        (bytes32 top, uint256 last) = Merkle.rise(Tags.SEGMENT_NODE, start, start + 32 * pairs.length, steps, next);
        Check.equal(last, end);
        Check.sameRoot(Merkle.counted(Tags.SEGMENT_ROOT, steps, top), expected);
    }

    /// @dev Root of the state before a step.
    function _startOf(IPoLRegistry registry, bytes32 parentId, uint256 step, SegmentStep calldata shown)
        private
        view
        returns (bytes32)
    {
        Header[] calldata parent = shown.parent;
        bool genesis = parentId == registry.genesisId();
        Check.equal(parent.length, step == 0 && !genesis ? 1 : 0);
        if (step > 0) return shown.entries[0].stateRoot;
        if (genesis) return registry.initialRoot();
        Check.sameRoot(Headers.idOf(registry.taskId(), parent[0]), parentId);
        return parent[0].postRoot;
    }

    /// @dev Where in memory some words begin, and where in the calldata others begin and end.
    function _bounds(bytes32[] memory words, bytes32[] calldata path)
        private
        pure
        returns (uint256 start, uint256 next, uint256 end)
    {
        assembly ("memory-safe") {
            start := add(words, 32)
            next := path.offset
            end := add(next, shl(5, path.length))
        }
    }
}
