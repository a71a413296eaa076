// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SegmentEntry, SegmentStep} from "../../contracts/interfaces/ICourt.sol";
import {Tags} from "../../contracts/lib/Tags.sol";
import {Header} from "../../contracts/Types.sol";
import {States} from "./States.sol";
import {Traces} from "./Traces.sol";

/// @notice Lists of a segment's steps, built from their traces: a second, plain implementation.
library Lists {
    /// The traces of the steps that lead on from 4**exponent W.
    function traces(uint32 steps, uint32 exponent) internal pure returns (uint32[][][] memory all) {
        all = new uint32[][][](steps);
        for (uint32 i = 0; i < steps; ++i) {
            all[i] = Traces.step(exponent + i);
        }
    }

    function entries(uint32[][][] memory all) internal pure returns (SegmentEntry[] memory list) {
        list = new SegmentEntry[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            (bytes32 batch, bytes32 inner) = Traces.parts(all[i]);
            list[i] = SegmentEntry(batch, inner, Traces.stateRoot(all[i][Traces.STEP - 1]));
        }
    }

    function hashes(SegmentEntry[] memory list) internal pure returns (bytes32[] memory all) {
        all = new bytes32[](list.length);
        for (uint256 i = 0; i < all.length; ++i) {
            bytes32 state = list[i].stateRoot;
            all[i] = keccak256(abi.encodePacked(Tags.SEGMENT_LEAF, list[i].batchRoot, list[i].innerRoot, state));
        }
    }

    function root(SegmentEntry[] memory list) internal pure returns (bytes32) {
        bytes32[][] memory rows = States.levels(Tags.SEGMENT_NODE, hashes(list));
        return keccak256(abi.encodePacked(Tags.SEGMENT_ROOT, uint64(list.length), rows[rows.length - 1][0]));
    }

    /// What shows a step. The parent's header belongs to the first step, unless it is genesis.
    function show(SegmentEntry[] memory list, uint256 step) internal pure returns (SegmentStep memory segment) {
        bool[] memory known = new bool[](list.length);
        uint256 first = step == 0 ? 0 : step - 1;
        segment.entries = new SegmentEntry[](step + 1 - first);
        for (uint256 i = first; i <= step; ++i) {
            segment.entries[i - first] = list[i];
            known[i] = true;
        }
        segment.path = Traces.lacking(States.levels(Tags.SEGMENT_NODE, hashes(list)), known);
    }

    function show(SegmentEntry[] memory list, uint256 step, Header memory parent)
        internal
        pure
        returns (SegmentStep memory segment)
    {
        segment = show(list, step);
        segment.parent = new Header[](1);
        segment.parent[0] = parent;
    }
}
