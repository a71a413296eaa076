// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Tree} from "../Types.sol";

/// @notice What is demanded.
enum Item {
    Roots, // the roots of all tensors of a step's trace
    Nodes, // the nodes of one level of a tensor's tree, MAX_NODES of them at most
    Leaves, // LEAF_GROUP leaves of a tensor, or as many as there are
    Bits, // all leaves of the accuracy tree
    Steps // the hashes of all steps of the segment
}

/// @notice One answer's worth of a committed tree.
struct Position {
    Item item;
    Tree tree; // whose trace; Step for Bits and Steps
    uint32 index; // of the test sample (Before, After), or of the segment step (Segment), else 0
    uint32 tensor; // its number in the program; 0 unless item is Nodes or Leaves
    uint32 group; // which group of leaves; 0 unless item is Leaves
    bytes32 explanation; // trace root of the explanation that it is about (Before, After), else 0
}

/// @notice Life of a demand: Open -> Answered | Expired, and from each -> Settled once the block's status is final. A
/// demand about an explanation ends with it: Open -> None, and can be made anew if the same explanation is given again;
/// Answered -> Settled, and what was shown stays shown.
enum DemandState {
    None,
    Open,
    Answered,
    Expired,
    Settled
}

/// @notice A demand, as stored.
struct Demand {
    address demander;
    uint40 deadline; // answers must come before
    uint40 order; // among all commitments and demands; see IBounties
    DemandState state;
    // slot 2: written by the answer
    address responder;
    uint40 answeredAt;
}

/// @title Demands, for whatever is not served off-chain: a walk from the header down to what is wrong.
/// @notice A demand names one answer's worth of a committed tree, a child of what was shown before. It is demanded and
/// answered once, for all. The block is not judged while it is open, nor, once it is answered, before the answer could
/// be used. Without an answer by the deadline the block is slashed, or the explanation that it is about refuted.
interface IDemands {
    event Demanded(
        bytes32 indexed blockId,
        bytes32 indexed demandId,
        address indexed demander,
        Position position,
        uint256 deadline,
        uint256 order
    );
    event DeadlineMoved(bytes32 indexed blockId, bytes32 indexed demandId, uint256 deadline);
    /// Nobody answered in time, and the block is slashed or the explanation refuted for it; or the explanation that it
    /// was about stands no more.
    event DemandExpired(bytes32 indexed blockId, bytes32 indexed demandId, address indexed demander);
    /// The demand is over, and the fee the beneficiary's.
    event DemandSettled(bytes32 indexed blockId, bytes32 indexed demandId, address indexed beneficiary, uint256 fee);

    error NoSuchPosition(Position position);
    error NotReveals(address sender);
    error NotYetShown(bytes32 parentDemandId);
    error DemandedBefore(bytes32 demandId);
    error WalkUnderWay(bytes32 demandId);
    error NoOpenDemand(bytes32 demandId);
    error TooLateToDemand(bytes32 blockId, uint256 closedAt, uint256 timestamp);
    error DeadlinePassed(bytes32 demandId, uint256 deadline, uint256 timestamp);
    error DeadlineAhead(bytes32 demandId, uint256 deadline, uint256 timestamp);
    error DeadlineStands(bytes32 demandId, uint256 deadline);
    error DemandUnsettled(bytes32 demandId);

    /// @notice Demands a part of a pending block's trees; locks the fee from the caller's verifier bond. What hangs on
    /// the header (Steps, Bits, and Roots of the block's own step) can be demanded inside the challenge window.
    /// Everything else once its parent was answered, and until the window is over and answerWindow has passed since
    /// that answer: so late demands go strictly down. Of one block each account has one demand open.
    /// @param program the descriptor of the tensor, which shows that there is such a tensor, and that it has so many
    /// leaves; read for Nodes and Leaves alone
    function demand(bytes32 blockId, Position calldata position, bytes calldata program)
        external
        returns (bytes32 demandId);

    /// @notice Moves a deadline nearer, to that of a demand made now: those that have stretched it may be gone. Open to
    /// everyone.
    function hasten(bytes32 blockId, Position calldata position) external;

    /// @notice Only Reveals: the responder shows what was demanded. The demand must be open, its deadline ahead, and
    /// the explanation, if it is about one, the one that stands.
    function answer(bytes32 blockId, Position calldata position, address responder) external returns (bytes32 demandId);

    /// @notice From the deadline on: the block is slashed, or, where it is slashed already, its bounty moves to an
    /// earlier demand. A demand about an explanation refutes that instead, and the fee goes back at once; if it stands
    /// no more, without waiting. Open to everyone.
    function expire(bytes32 blockId, Position calldata position) external;

    /// @notice Once the block's status is final: the fee goes to whoever answered; of an explanation only if that
    /// stands. If the block was slashed the fee goes back, and an answer is paid from the miner's bond, unless it is
    /// the miner's or about an explanation. An open demand about a slashed block settles only when it can no longer
    /// take the bounty. Before: of what was answered about an explanation that stands no more the fee goes back, so
    /// that a walk down one false explanation after the other locks no more than a walk down one. Open to everyone.
    function settle(bytes32 blockId, Position calldata position) external;

    /// @notice Wei of a slashed block's bond that those who answered for it get; answers of its miner, and about
    /// explanations, are not counted.
    function answersPay(bytes32 blockId) external view returns (uint256);

    /// @notice When a demand was answered; 0 if it was not.
    function answeredAt(bytes32 demandId) external view returns (uint256);

    function demands(bytes32 demandId) external view returns (Demand memory);
    function demandIdOf(bytes32 blockId, Position calldata position) external pure returns (bytes32);
}
