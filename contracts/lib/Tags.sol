// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title 8-byte prefixes that keep one kind of hash from passing for another.
/// @dev Mirror of pol_oracle/protocol/hashing.py, which says what each tag is followed by.
library Tags {
    bytes8 internal constant TENSOR_LEAF = "tensleaf";
    bytes8 internal constant TENSOR_NODE = "tensnode";
    bytes8 internal constant TENSOR_ROOT = "tensroot";
    bytes8 internal constant LIST_NODE = "listnode";
    bytes8 internal constant STATE_ROOT = "statroot";
    bytes8 internal constant BATCH_ROOT = "btchroot";
    bytes8 internal constant INNER_ROOT = "innrroot";
    bytes8 internal constant TRACE_ROOT = "tracroot";
    bytes8 internal constant SAMPLE_LEAF = "smplleaf";
    bytes8 internal constant SAMPLE_NODE = "smplnode";
    bytes8 internal constant SAMPLE_ROOT = "smplroot";
    bytes8 internal constant SEGMENT_LEAF = "sgmtleaf";
    bytes8 internal constant SEGMENT_NODE = "sgmtnode";
    bytes8 internal constant SEGMENT_ROOT = "sgmtroot";
    bytes8 internal constant EVAL_LEAF = "evalleaf";
    bytes8 internal constant EVAL_NODE = "evalnode";
    bytes8 internal constant PROGRAM_LEAF = "progleaf";
    bytes8 internal constant PROGRAM_NODE = "prognode";
    bytes8 internal constant PROGRAM_ROOT = "progroot";
    bytes8 internal constant TASK = "pol-task";
    bytes8 internal constant GENESIS = "pol-gen0";
    bytes8 internal constant SEED = "pol-seed";
    bytes8 internal constant REQUIREMENTS = "pol-reqs";
    bytes8 internal constant MASK = "pol-mask";
    bytes8 internal constant BATCH = "pol-btch";
    bytes8 internal constant SEGMENT = "pol-sgmt";
    bytes8 internal constant EXTRA = "pol-xtra";
}
