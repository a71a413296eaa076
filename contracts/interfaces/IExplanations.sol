// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header, Role, Tree} from "../Types.sol";
import {SumNode, TraceId} from "./ICourt.sol";

/// @notice Life of the demand for one evaluation:
///
///     None -> Open -> Explained -> Settled    the block's status is final
///              | ^        |
///              | +--------+                   refuted, or reopened
///              v
///           Expired -> Settled                none stood at the deadline: the block is slashed
enum ExplanationState {
    None,
    Open,
    Explained,
    Expired,
    Settled
}

/// @notice A demand for an evaluation, with the explanation that stands if one does, as stored.
struct Explanation {
    address demander;
    uint40 deadline; // an explanation must come before
    uint40 order; // among all commitments and demands; see IBounties
    ExplanationState state;
    bool bit; // the block's claim: whether the sample is classified correctly
    // slot 2: of the explanation that stands
    address author;
    uint40 explainedAt;
    // slot 3
    bytes32 traceRoot; // 0 if none stands
}

/// @notice What an account that explained something of a block answers for it with: one bond, for all of it.
enum SpeakerState {
    None,
    Bonded,
    Fallen, // refuted: the bond is gone, and it explains nothing of this block any more
    Released
}

/// @title How test samples are evaluated: what the bits of the accuracy tree stand on.
/// @notice An explanation is the trace of a sample's evaluation with W (Tree.Before) or W' (Tree.After). What is right
/// follows from the block's states, so anybody may give it, under its own name and with a bond: one for all that it
/// explains of the block, so that a flood of demands takes capital from those who demand alone. It stands until it is
/// refuted: its author loses the bond then, the block nothing but time. The block falls if no explanation stands when
/// the time is over.
interface IExplanations {
    event ExplanationDemanded(
        bytes32 indexed blockId,
        Tree tree,
        uint32 sample,
        address indexed demander,
        uint256 deadline,
        uint256 order,
        bool bit
    );
    /// @param answer the ABI encoding of `program` and `roots`
    event Explained(
        bytes32 indexed blockId, Tree tree, uint32 sample, address indexed author, bytes32 traceRoot, bytes answer
    );
    /// @param challenger whose proof it was; 0 if a demand about the explanation went unanswered, or if it was reopened
    /// @param deadline of the next explanation
    event ExplanationRefuted(
        bytes32 indexed blockId,
        Tree tree,
        uint32 sample,
        address indexed author,
        address indexed challenger,
        uint256 deadline
    );
    event ExplanationMoved(bytes32 indexed blockId, Tree tree, uint32 sample, uint256 deadline);
    /// The block is slashed for it.
    event ExplanationExpired(bytes32 indexed blockId, Tree tree, uint32 sample);
    event SpeakerReleased(bytes32 indexed blockId, address indexed author);
    /// The fee is the beneficiary's.
    event ExplanationSettled(
        bytes32 indexed blockId, Tree tree, uint32 sample, address indexed beneficiary, uint256 fee
    );

    error NotCourt(address sender);
    error NoSuchEvaluation(Tree tree, uint32 sample);
    error ExplanationDemandedBefore(bytes32 blockId, Tree tree, uint32 sample);
    error ExplanationUnderWay(bytes32 blockId, Tree tree, uint32 sample);
    error NoOpenExplanation(bytes32 blockId, Tree tree, uint32 sample);
    error NotStanding(bytes32 blockId, Tree tree, uint32 sample);
    error ExplanationUnsettled(bytes32 blockId, Tree tree, uint32 sample);
    error ExplanationTooLate(bytes32 blockId, uint256 deadline, uint256 timestamp);
    error ExplanationTooEarly(bytes32 blockId, uint256 deadline, uint256 timestamp);
    error ExplanationDeadlineStands(bytes32 blockId, uint256 deadline);
    error SpeakerFallen(bytes32 blockId, address author);
    error NotFallen(bytes32 blockId, address author);
    error NothingToRelease(bytes32 blockId, address author);

    /// @notice Demands to be shown how a sample of a pending block is evaluated; locks the fee from the caller's
    /// verifier bond. The block's bits must have been shown on L1 (Demands); it can be demanded until the challenge
    /// window is over and answerWindow has passed since then. Of one block each account has one such demand open.
    /// @param words the leaf of the accuracy tree that holds the sample's bits
    /// @param siblings from the leaf up to the root's children
    function demand(
        Header calldata header,
        Tree tree,
        uint32 sample,
        bytes32[2] calldata words,
        SumNode[] calldata siblings
    ) external;

    /// @notice Moves the deadline of an open demand nearer, to that of one made now. Open to everyone.
    function hasten(bytes32 blockId, Tree tree, uint32 sample) external;

    /// @notice Explains: commits the caller to the trace of the evaluation. With its first explanation of the block it
    /// locks an attester's bond, from its bond in `role`.
    /// @param program of any descriptor: for the sections
    /// @param roots of all tensors of the batch, then of all inner ones
    function explain(
        Header calldata header,
        Tree tree,
        uint32 sample,
        bytes calldata program,
        bytes32[] calldata roots,
        Role role
    ) external;

    /// @notice Only the Court: the challenger's call, whose data has this hash and which it committed to in an earlier
    /// L1 block, proved the standing explanation wrong. Half of its author's bond is burned, half credited to the
    /// challenger; another explanation can be given until a new deadline. If the author has fallen before, there is
    /// nothing to take any more, and the time to refute is that of `reopen`.
    function refute(bytes32 blockId, TraceId calldata trace, address challenger, bytes32 callHash) external;

    /// @notice Only Demands: nobody answered a demand about the explanation in time. As `refute`, but the bond is
    /// burned whole, so that nobody gains by it.
    function refuteSilent(bytes32 blockId, Tree tree, uint32 sample) external;

    /// @notice What a fallen author explained besides counts for nothing: another explanation can be given until a new
    /// deadline. Open to everyone, until the challenge window is over and answerWindow has passed since the author lost
    /// its bond: so one fall holds the block up once, however much that author explained.
    function reopen(bytes32 blockId, Tree tree, uint32 sample) external;

    /// @notice From the deadline on, if no explanation stands: the block is slashed, or, where it is slashed already,
    /// its bounty moves to an earlier demand. Open to everyone.
    function expire(bytes32 blockId, Tree tree, uint32 sample) external;

    /// @notice Once the block's status is final: the standing explanation's author gets the fee; it goes back to the
    /// demander if nothing stands, if the author has fallen or if the block was slashed. Open to everyone.
    function settle(bytes32 blockId, Tree tree, uint32 sample) external;

    /// @notice Once the block's status is final: an author that has not fallen gets its bond back. Open to everyone.
    function release(bytes32 blockId, address author) external;

    /// @notice Trace root of the explanation that stands; 0 if none does.
    function rootOf(bytes32 blockId, Tree tree, uint32 sample) external view returns (bytes32);

    /// @notice When the explanation with this trace root was given. Reverts unless it is the one that stands, and its
    /// author has not fallen.
    function requireStanding(bytes32 blockId, Tree tree, uint32 sample, bytes32 traceRoot)
        external
        view
        returns (uint256 explainedAt);

    /// @notice Whether that is the explanation that stands, its author has not fallen, and it was given an answer
    /// window before the deadline of a demand about it: the same may have been given again since, by another.
    function vouched(bytes32 blockId, Tree tree, uint32 sample, bytes32 traceRoot, uint40 deadline)
        external
        view
        returns (bool);

    /// @notice What an account answers with for what it explained of a block, and from its bond in which role.
    function speakerOf(bytes32 blockId, address author) external view returns (SpeakerState state, Role role);
    function explanationOf(bytes32 blockId, Tree tree, uint32 sample) external view returns (Explanation memory);
}
