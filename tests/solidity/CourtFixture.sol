// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Court} from "../../contracts/Court.sol";
import {Explanations} from "../../contracts/Explanations.sol";
import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {PoLRegistry} from "../../contracts/PoLRegistry.sol";
import {Reveals} from "../../contracts/Reveals.sol";
import {EvidenceKind, Header, Role, Status, Task} from "../../contracts/Types.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice The system with the real court, and what brings a block before it.
abstract contract CourtFixture is Fixture {
    Court internal real;

    function setUp() public virtual override {
        super.setUp();
        real = Court(address(court));
    }

    function makeCourt(PoLRegistry registry_, Reveals reveals_, Explanations explanations_)
        internal
        override
        returns (address)
    {
        return address(new Court(registry_, bounties, reveals_, explanations_));
    }

    /// The system anew, for another task.
    function deployFor(Task memory task) internal {
        deploy(task, defaultParameters());
        real = Court(address(court));
        bond(MINER, Role.Miner, 50 ether);
        bond(RIVAL, Role.Miner, 50 ether);
        bond(VERA, Role.Verifier, 10 ether);
        pass(1);
    }

    function commitmentOf(address challenger, bytes memory call) internal pure returns (bytes32) {
        return keccak256(abi.encode(challenger, keccak256(call)));
    }

    function commit(address challenger, bytes memory call) internal {
        vm.prank(challenger);
        bounties.commit(commitmentOf(challenger, call));
    }

    /// Proposes a block, and has it slashed by this call of the court.
    function assertConvicted(Header memory header, bytes memory call, EvidenceKind kind) internal {
        bytes32 id = propose(header);
        commit(VERA, call);
        pass(1);

        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockSlashed(id, header.miner, kind);
        vm.prank(VERA);
        (bool done,) = address(real).call(call);
        assertTrue(done, "convicted");
        assertStatus(id, Status.Slashed, "status");
    }
}
