// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "../../contracts/interfaces/IBounties.sol";
import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind} from "../../contracts/Types.sol";

/// @notice A court that believes everything: for tests of what surrounds evidence.
contract MockCourt {
    IPoLRegistry public immutable registry;
    IBounties public immutable bounties;

    constructor(IPoLRegistry registry_, IBounties bounties_) {
        registry = registry_;
        bounties = bounties_;
    }

    /// The last argument is a salt, as in every proof.
    function prove(bytes32 blockId, EvidenceKind kind, bytes32) external {
        bounties.convict(blockId, kind, msg.sender, keccak256(msg.data));
    }
}
