// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "../../contracts/interfaces/IBounties.sol";
import {TraceId} from "../../contracts/interfaces/ICourt.sol";
import {IExplanations} from "../../contracts/interfaces/IExplanations.sol";
import {EvidenceKind} from "../../contracts/Types.sol";

/// @notice A court that believes everything: for tests of what surrounds evidence.
contract MockCourt {
    IBounties public immutable bounties;
    IExplanations public immutable explanations;

    constructor(IBounties bounties_, IExplanations explanations_) {
        bounties = bounties_;
        explanations = explanations_;
    }

    /// The last argument is a salt, as in every proof.
    function prove(bytes32 blockId, EvidenceKind kind, bytes32) external {
        bounties.convict(blockId, kind, msg.sender, keccak256(msg.data));
    }

    function refute(bytes32 blockId, TraceId calldata trace, bytes32) external {
        explanations.refute(blockId, trace, msg.sender, keccak256(msg.data));
    }
}
