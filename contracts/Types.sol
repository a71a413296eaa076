// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Mirrors of pol_oracle/protocol; every change here is a change there.

/// @notice Which rules a task plays by.
enum RuleSet {
    Hardened,
    Paper
}

/// @notice What is fixed at genesis; see pol_oracle/protocol/task.py for each field.
struct Task {
    RuleSet rules;
    uint32 batchSize;
    uint32 trainCount;
    uint32 testCount;
    uint32 trainingSteps;
    uint8 maskSize;
    uint32 learningRate;
    uint64 eligibleCount;
    bytes32 eligibleHash;
    bytes32 programRoot;
    bytes32 trainRoot;
    bytes32 testRoot;
    bytes32 initialRoot;
}

/// @notice What a miner claims; see pol_oracle/protocol/header.py for each field.
struct Header {
    bytes32 parent;
    address miner;
    uint64 nonce;
    uint32[] indices;
    bytes32 segmentRoot;
    bytes32 preRoot;
    bytes32 postRoot;
    bytes32 traceRoot;
    bytes32 evalRoot;
    uint32 correctBefore;
    uint32 correctAfter;
}

/// @notice Fixed at deployment. Times in seconds, money in wei of ETH (bonds) or of LEARN (rewards).
struct Parameters {
    uint32 challengeWindow; // from proposal; demands may begin only inside it
    uint32 revealWindow; // from a slash; until then an earlier commitment can still claim the bounty
    uint32 answerWindow; // from a demand to its deadline if no other is open, and from an answer to the next demand
    uint32 quorum; // attestations a block needs
    uint16 difficulty; // of genesis's children; difficulties are in 1/1024 bit
    uint16 minDifficulty;
    uint16 maxDifficulty;
    uint32 targetInterval; // from a block to the next; 0: all have the same difficulty
    uint32 halfLife; // delay that makes a block half as hard
    uint96 minerBond; // locked per block
    uint96 attestBond; // locked per attestation, and per explanation
    uint96 demandFee; // locked per demand; pays whoever answers it
    uint128 minerReward; // minted per finalized block, less what its attesters get
    uint128 attesterReward; // minted per timely attestation of a finalized block, less if there are very many
}

/// @notice Life of a block; the diagram is in lib/BlockLifecycle.sol.
enum Status {
    None,
    Pending,
    Finalized,
    Slashed,
    Orphaned
}

/// @notice What a block was slashed for.
enum EvidenceKind {
    Requirement, // the weights of a requirement did not move as it asks
    Step, // an element of the trace of the step, or of one of its segment, is not what its operation gives
    Accuracy, // a sum of the accuracy tree is wrong
    Withheld, // a demanded part of a committed tree was not shown in time
    Unexplained // nobody showed in time how a demanded sample is evaluated such that its bit comes out
}

/// @notice Whose trace: the block's own step's, that of the evaluation of a sample with W (Before) or W' (After), or
/// that of a step of its segment.
enum Tree {
    Step,
    Before,
    After,
    Segment
}

/// @notice What a bond is for.
enum Role {
    Miner,
    Verifier
}

/// @notice What storage keeps of a block: five slots. The id commits to the header, so the header is not kept.
struct Block {
    address miner;
    uint40 proposedAt;
    Status status;
    uint16 difficulty; // in 1/1024 bit
    uint16 attestations;
    uint16 timely; // attestations of the first half of the window: those are paid
    // slot 2
    bytes32 parent;
    // slot 3: an ancestor further up, for look-ups in O(log height)
    bytes32 jump;
    // slot 4
    uint96 totalWork;
    uint32 height;
    uint32 sequence; // proposals are numbered in L1 order; the lower one wins a tie
    uint32 slashesSeen; // length of the slash log up to which the block's ancestry is known to be clean
    uint16 childDifficulty; // its children are born with
    bool aboveSlashed; // orphaned because a block below was slashed: half of its bond was burned
    // slot 5: written only if something is demanded
    uint32 openDemands;
    uint40 heldUntil; // not judged before: after an answer, time to use it
}
