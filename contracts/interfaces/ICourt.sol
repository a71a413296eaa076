// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EvidenceKind, Header, Outcome} from "../Types.sol";

/// @notice One element of one tensor of a state, opened up to the state root.
/// @dev Leaves are 64 big-endian binary32 (256 bytes, zero-padded); paths have one node per level, bytes32(0) where
/// the right sibling is absent.
struct Opening {
    uint64 elements; // elements of the tensor
    uint64 tensors; // tensors of the state
    bytes leaf; // the 64 floats around the element
    bytes32[] tensorPath; // leaf -> tensor top
    bytes32[] statePath; // tensor root -> state top
}

/// @notice Shows that requirement number `requirement` of R was not met.
struct RequirementEvidence {
    uint256 requirement;
    bytes32[] eligible; // the task's ranges, packed as in pol_oracle/protocol/eligible.py
    Opening before;
    Opening afterwards;
}

/// @title Where blocks are challenged. A challenge that proves nothing reverts.
interface ICourt {
    event ChallengeCommitted(address indexed challenger, bytes32 indexed commitment, uint256 order);
    event ChallengeProven(bytes32 indexed blockId, address indexed challenger, EvidenceKind kind);
    event DisputeOpened(
        bytes32 indexed blockId, EvidenceKind indexed kind, address indexed challenger, uint256 deadline
    );
    event DisputeSettled(bytes32 indexed blockId, EvidenceKind indexed kind, Outcome outcome);
    event BountyAssigned(bytes32 indexed blockId, address indexed challenger, uint256 order);

    error NotCommitted(address challenger, bytes32 commitment);
    error RevealTooEarly(uint256 committedBlock, uint256 currentBlock);
    error AlreadyCommitted(address challenger, bytes32 commitment);
    error RequirementMet(uint256 requirement, uint32 before, uint32 afterwards);
    error NoSuchRequirement(uint256 requirement, uint256 bits);
    error WrongEligible(bytes32 expected, bytes32 actual);
    error WrongRoot(bytes32 expected, bytes32 actual);
    error BadOpening(uint256 index, uint256 count);
    error NotDisputable(EvidenceKind kind);
    error AlreadyDisputed(bytes32 blockId, EvidenceKind kind);
    error NoDispute(bytes32 blockId, EvidenceKind kind);
    error DisputeRunning(bytes32 blockId, EvidenceKind kind, uint256 deadline);
    error BountyUnsettled(bytes32 blockId, uint256 settlesAt);
    error BountySettled(bytes32 blockId, uint256 settledAt);
    error NotSlashed(bytes32 blockId);
    error LaterCommitment(bytes32 blockId, uint256 winner, uint256 order);

    /// @notice Commits to a challenge: keccak256(abi.encode(challenger, blockId, kind, keccak256(abi.encode(evidence)),
    /// salt)); for disputes the evidence hash is bytes32(0). Revealing needs a later L1 block.
    function commit(bytes32 commitment) external;

    /// @notice Proves that a requirement was not met; slashes at once. On a block already slashed it can still move
    /// the bounty to an earlier commitment until the reveal window ends.
    function proveRequirement(Header calldata header, RequirementEvidence calldata evidence, bytes32 salt) external;

    /// @notice Brings a step, accuracy or withheld challenge before the committee; locks the challenge bond. Once per
    /// block and kind.
    function openDispute(bytes32 blockId, EvidenceKind kind, bytes32 salt) external;

    /// @notice Carries out the committee's decision. Guilty: the block is slashed. NotGuilty: the challenger forfeits
    /// its bond to the miner, but gets it back for Withheld (the data may have been served late). Undecided: bond back.
    function settleDispute(bytes32 blockId, EvidenceKind kind) external;

    /// @notice Who gets the bounty of a slashed block; reverts while an earlier commitment may still claim it.
    function bountyWinner(bytes32 blockId) external view returns (address);

    function commitmentOf(address challenger, bytes32 commitment) external view returns (uint256 order, uint256 l1Block);
    function disputeOf(bytes32 blockId, EvidenceKind kind)
        external
        view
        returns (address challenger, uint256 deadline, Outcome outcome);
    function disputeId(bytes32 blockId, EvidenceKind kind) external view returns (bytes32);
}
