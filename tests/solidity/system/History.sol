// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondVault} from "../../../contracts/BondVault.sol";
import {Demands} from "../../../contracts/Demands.sol";
import {Explanations} from "../../../contracts/Explanations.sol";
import {Position} from "../../../contracts/interfaces/IDemands.sol";
import {LearnToken} from "../../../contracts/LearnToken.sol";
import {PoLRegistry} from "../../../contracts/PoLRegistry.sol";
import {Block, Header, Parameters, Role, Status, Tree} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";

/// @notice What has happened to the whole system: all that was ever proposed, demanded and explained, what should have
/// been paid for it, and what must hold of it after every call.
abstract contract History is Fixture {
    address[5] internal actors = [MINER, RIVAL, VERA, VICTOR, VIOLA];

    struct Demanded {
        bytes32 id;
        Position position;
    }

    struct Evaluation {
        bytes32 id;
        Tree tree;
        uint32 sample;
    }

    bytes32[] public ids; // every block but genesis
    Demanded[] public demanded; // all that was ever demanded
    bytes32[] public demandIds; // theirs
    Evaluation[] public evaluations; // all whose explanation was ever demanded
    bytes32[] public rivals; // every head that was displaced, and every block contested
    mapping(bytes32 => bool) internal known; // demands and evaluations, by hash
    mapping(bytes32 => Status) public seen; // status when last looked at
    mapping(bytes32 => Header) internal headers;
    mapping(bytes32 => bool) internal forged; // can be proven wrong, and nobody answers for it
    mapping(bytes32 => bool) public convicted;
    mapping(bytes32 => bool) public forfeited;
    mapping(bytes32 => uint256) internal answers; // by others than the block's miner
    mapping(bytes32 => uint256) public paid; // of a slashed block's bond, for answers
    uint256 public rewards; // what should have been minted
    bytes32 internal lastHead;
    uint256 internal mixes;
    uint64 internal nonces;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < actors.length; ++i) {
            bond(actors[i], Role.Miner, 20 ether);
            bond(actors[i], Role.Verifier, 20 ether);
        }
        pass(1);
        lastHead = registry.genesisId();
    }

    function defaultParameters() internal pure override returns (Parameters memory parameters) {
        parameters = super.defaultParameters();
        (parameters.minDifficulty, parameters.maxDifficulty) = (DIFFICULTY - 1500, DIFFICULTY + 1500);
        (parameters.targetInterval, parameters.halfLife) = (20, 50);
    }

    // -- for the invariants

    function count() external view returns (uint256) {
        return ids.length;
    }

    function actorCount() external view returns (uint256) {
        return actors.length;
    }

    function actor(uint256 i) external view returns (address) {
        return actors[i];
    }

    function demandCount() external view returns (uint256) {
        return demandIds.length;
    }

    function evaluationCount() external view returns (uint256) {
        return evaluations.length;
    }

    function system() external view returns (PoLRegistry, BondVault, LearnToken, Demands, Explanations) {
        return (registry, vault, token, demands, explanations);
    }

    // -- for the calls

    /// The fuzzer likes small numbers and those that it has seen.
    function mixed(uint256 seed) internal returns (uint256) {
        return uint256(keccak256(abi.encode(seed, ++mixes)));
    }

    /// One of the last six blocks.
    function recent(uint256 which) internal view returns (uint256) {
        uint256 span = ids.length < 6 ? ids.length : 6;
        return ids.length - 1 - (which % span);
    }

    /// The child of the tip on the head's branch, or nothing.
    function nextToFinalize() internal view returns (bytes32 id) {
        bytes32 tip = registry.finalizedTip();
        for (bytes32 up = registry.head(); up != tip; up = registry.blocks(up).parent) {
            id = up;
        }
    }

    // -- the rules

    /// Pitfall 16 and the life cycle: remembers final states, which must never change again.
    function track() internal {
        for (uint256 i = 0; i < ids.length; ++i) {
            Status now_ = statusOf(ids[i]);
            bool judged = now_ == Status.Finalized || now_ == Status.Orphaned;
            assertTrue(!judged || registry.blocks(ids[i]).openDemands == 0, "judged with an open demand");
            assertTrue(!convicted[ids[i]] || now_ == Status.Slashed, "convicted and not slashed");
            assertTrue(seen[ids[i]] == Status.Pending || seen[ids[i]] == now_, "a block left a final state");
            seen[ids[i]] = now_;
        }
        bytes32 left = leftOf(lastHead);
        lastHead = registry.head();
        if (!registry.isAncestor(left, lastHead)) rivals.push(left);
    }

    /// The rule of finality, without an order and without a memory of what was checked: whether any rival beside the
    /// block is better than the witness, or what slashes have left of it.
    function outweighed(bytes32 id, bytes32 witness) internal view returns (bool) {
        Block memory judged = registry.blocks(witness);
        for (uint256 i = 0; i < rivals.length; ++i) {
            bytes32 rival = leftOf(rivals[i]);
            Block memory made = registry.blocks(rival);
            bool better = made.totalWork > judged.totalWork
                || (made.totalWork == judged.totalWork && made.sequence < judged.sequence);
            bool beside = registry.isAncestor(registry.finalizedTip(), rival) && !registry.isAncestor(id, rival);
            if (better && beside) return true;
        }
        return false;
    }

    /// The highest block of a branch without a slashed one at or below it.
    function leftOf(bytes32 tip) internal view returns (bytes32 left) {
        left = tip;
        for (bytes32 down = tip; registry.blocks(down).height > 0; down = registry.blocks(down).parent) {
            if (registry.blocks(down).status == Status.Slashed) left = registry.blocks(down).parent;
        }
    }
}
