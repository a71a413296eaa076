// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title LEARN, the reward for finalized blocks.
/// @dev Only the registry mints, and only at finality. A cap, a pause and an owner are absent: supply is the sum of
/// rewards, which the parameters fix.
/// @custom:security-contact SECURITY.md of the repository
contract LearnToken is ERC20 {
    address public immutable registry;

    error NotRegistry(address sender);

    constructor(address registry_) ERC20("Learn", "LEARN") {
        registry = registry_;
    }

    function mint(address to, uint256 amount) external {
        require(msg.sender == registry, NotRegistry(msg.sender));

        _mint(to, amount);
    }
}
