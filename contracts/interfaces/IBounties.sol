// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EvidenceKind} from "../Types.sol";

/// @title Commit and reveal: who gets the bounty of a slashed block.
interface IBounties {
    event ChallengeCommitted(address indexed challenger, bytes32 indexed commitment, uint256 order);
    event BountyAssigned(bytes32 indexed blockId, address indexed challenger, EvidenceKind kind, uint256 order);

    error NotJudge(address sender);
    error NotCommitted(address challenger, bytes32 commitment);
    error RevealTooEarly(uint256 committedBlock, uint256 currentBlock);
    error AlreadyCommitted(address challenger, bytes32 commitment);
    error BountyUnsettled(bytes32 blockId, uint256 settlesAt);
    error BountySettled(bytes32 blockId, uint256 settledAt);
    error NotSlashed(bytes32 blockId);
    error LaterCommitment(bytes32 blockId, uint256 winner, uint256 order);

    /// @notice Commits to a call of the Court: keccak256(abi.encode(challenger, keccak256(the call's data))). The call
    /// itself can be made from the next L1 block on.
    function commit(bytes32 commitment) external;

    /// @notice Only the Court: the challenger's call, whose data has this hash, proved the block wrong. Slashes it. Of
    /// a slashed block, until the reveal window ends, it moves the bounty to an earlier commitment.
    function convict(bytes32 blockId, EvidenceKind kind, address challenger, bytes32 callHash) external;

    /// @notice Only Demands and Explanations: nobody answered in time. `order` was drawn by takeOrder when it was
    /// demanded.
    function convictSilent(bytes32 blockId, EvidenceKind kind, address demander, uint256 order) external;

    /// @notice Only Demands and Explanations: the next number in the order of commitments.
    function takeOrder() external returns (uint256 order);

    /// @notice The number of the challenger's commitment to the call whose data has this hash. Reverts unless it was
    /// made in an earlier L1 block: whoever learns of a proof from its reveal can only commit after it.
    function requireCommitted(address challenger, bytes32 callHash) external view returns (uint256 order);

    /// @notice Who shares the bounty of a slashed block: the earliest committer, and the one who slashed it (often the
    /// same); and whether it was slashed for silence alone, by which nobody gains more than his costs. Reverts while an
    /// earlier commitment may still be shown.
    function winners(bytes32 blockId) external view returns (address first, address prover, bool lapsed);

    function commitmentOf(address challenger, bytes32 commitment) external view returns (uint256 order, uint256 l1Block);
}
