// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title 8-byte prefixes that keep one kind of hash from passing for another.
/// @dev Mirror of pol_oracle/protocol/hashing.py, which says what each tag is followed by. Tags of hashes that no
/// contract computes yet (traces, samples, evaluation, programs) are absent.
library Tags {
    bytes8 internal constant TENSOR_LEAF = "tensleaf";
    bytes8 internal constant TENSOR_NODE = "tensnode";
    bytes8 internal constant TENSOR_ROOT = "tensroot";
    bytes8 internal constant LIST_NODE = "listnode";
    bytes8 internal constant STATE_ROOT = "statroot";
    bytes8 internal constant TASK = "pol-task";
    bytes8 internal constant GENESIS = "pol-gen0";
    bytes8 internal constant SEED = "pol-seed";
    bytes8 internal constant REQUIREMENTS = "pol-reqs";
    bytes8 internal constant BATCH = "pol-btch";
}
