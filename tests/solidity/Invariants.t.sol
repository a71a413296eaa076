// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondVault} from "../../contracts/BondVault.sol";
import {Demands} from "../../contracts/Demands.sol";
import {DemandState, Position} from "../../contracts/interfaces/IDemands.sol";
import {Difficulty} from "../../contracts/lib/Difficulty.sol";
import {LearnToken} from "../../contracts/LearnToken.sol";
import {PoLRegistry} from "../../contracts/PoLRegistry.sol";
import {Block, EvidenceKind, Header, Parameters, Role, Status, Tree} from "../../contracts/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Programs} from "./Programs.sol";
import {vm} from "./Vm.sol";

/// @notice Plays the whole system at random: one function per thing that somebody can do. What cannot be done now is
/// skipped, so that long histories come about; what can must not fail.
contract Handler is Fixture {
    address[5] internal actors = [MINER, RIVAL, VERA, VICTOR, VIOLA];

    struct Demanded {
        bytes32 id;
        address demander;
        Position position;
    }

    bytes32[] public ids; // every block but genesis
    Demanded[] public demanded; // all demands ever made
    bytes32[] public demandIds; // theirs
    mapping(bytes32 => Status) public seen; // status when last looked at
    mapping(bytes32 => Header) internal headers;
    mapping(bytes32 => bool) internal forged; // can be proven wrong, and nobody answers for it
    mapping(bytes32 => bool) public convicted;
    uint256 public rewards; // what should have been minted
    uint256 public forfeits; // bonds of slashed blocks taken
    uint64 internal nonces;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < actors.length; ++i) {
            bond(actors[i], Role.Miner, 20 ether);
            bond(actors[i], Role.Verifier, 20 ether);
        }
        pass(1);
    }

    function defaultParameters() internal pure override returns (Parameters memory parameters) {
        parameters = super.defaultParameters();
        (parameters.minDifficulty, parameters.maxDifficulty) = (DIFFICULTY - 1500, DIFFICULTY + 1500);
        (parameters.targetInterval, parameters.halfLife) = (20, 50);
    }

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

    function system() external view returns (PoLRegistry, BondVault, LearnToken, Demands) {
        return (registry, vault, token, demands);
    }

    /// Proposes on the head, or on any recent block that may be live; every fourth block is a cheat's.
    function doPropose(uint256 who, uint256 where, bool bad) external {
        bytes32 parent = ids.length == 0 || where % 3 > 0 ? registry.head() : ids[recent(where)];
        address miner = actors[who % 5];
        bad = bad && where % 2 == 0;
        Header memory header = makeHeader(parent, miner, ++nonces);
        vm.prank(miner);
        try registry.propose(header, ANY_DIFFICULTY) returns (bytes32 id) {
            ids.push(id);
            headers[id] = header;
            forged[id] = bad;
            seen[id] = Status.Pending;
        } catch {}
    }

    function doAttest(uint256 who, uint256 which) external {
        if (ids.length == 0) return;
        vm.prank(actors[who % 5]);
        try registry.attest(ids[recent(which)], type(uint16).max) {} catch {}
    }

    /// Proves a bad block wrong, or claims the bounty of a slashed one with an earlier commitment.
    function doProve(uint256 who, uint256 which, bool early) external {
        if (ids.length == 0) return;
        bytes32 id = ids[recent(which)];
        address prover = actors[who % 5];
        if (!forged[id]) return;
        (uint256 order,) = bounties.commitmentOf(prover, commitmentTo(prover, id, EvidenceKind.Step));
        if (order == 0) commitTo(prover, id, EvidenceKind.Step);
        if (early) return;
        pass(1);
        if (statusOf(id) == Status.Pending) {
            prove(prover, id, EvidenceKind.Step); // must not fail
            convicted[id] = true;
        } else {
            vm.prank(prover);
            try court.prove(id, EvidenceKind.Step, SALT) {
                assertTrue(convicted[id], "a bounty without a slash");
            } catch {}
        }
        track();
    }

    /// Three verifiers demand something of one of the last blocks.
    function doDemand(uint256 who, uint256 which, uint256 what) external {
        if (ids.length == 0) return;
        bytes32 id = ids[recent(which)];
        for (uint256 i = 0; i < 3; ++i) {
            address demander = actors[(who % 5 + i) % 5];
            Position memory position = bitsPosition();
            if ((what >> i) % 3 > 0) position = rootsPosition(Tree(1 + (what >> i) % 2), uint32((what >> i) % 4));
            bytes32 demandId = demands.demandIdOf(id, demander, position);
            vm.prank(demander);
            try demands.demand(id, position, Programs.open(position.tree, 0)) {
                demanded.push(Demanded(id, demander, position));
                demandIds.push(demandId);
            } catch {}
        }
    }

    /// Answers most of the last demands.
    function doReveal(uint256 who, uint256 which) external {
        for (uint256 i = 0; i < 12 && i < demandIds.length; ++i) {
            uint256 number = demandIds.length - 1 - i;
            if ((which >> i) % 4 == 0) continue;
            Demanded memory one = demanded[number];
            if (forged[one.id] || statusOf(one.id) != Status.Pending) continue;
            if (demands.demands(demandIds[number]).state != DemandState.Open) continue;
            if (block.timestamp >= demands.demands(demandIds[number]).deadline) continue;
            Header memory header = headers[one.id];
            // must not fail
            if (one.position.tree == Tree.Step) answerBits(actors[who % 5], header, one.demander);
            else explain(header.miner, header, one.demander, one.position, 1);
        }
    }

    /// After the window, whoever was answered lately demands once more.
    function doFollowUp(uint256 which) external {
        for (uint256 i = 0; i < 12 && i < demandIds.length; ++i) {
            Demanded memory one = demanded[demandIds.length - 1 - (which % 12 + i) % demandIds.length];
            (uint256 answeredAt, uint256 late) = demands.followUps(one.id, one.demander);
            uint256 end = uint256(registry.blocks(one.id).proposedAt) + WINDOW;
            uint256 now_ = end > block.timestamp ? end : block.timestamp;
            if (statusOf(one.id) != Status.Pending || now_ >= answeredAt + ANSWER) continue;
            if (late == demands.MAX_LATE() || free(one.demander, Role.Verifier) < DEMAND_FEE) continue;
            if (now_ > block.timestamp) pass(now_ - block.timestamp);
            one.position = rootsPosition(Tree.After, uint32(100 + late));
            demanded.push(one);
            demandIds.push(demand(one.demander, one.id, one.position)); // must not fail
            return;
        }
    }

    function doExpire(uint256 which) external {
        if (demandIds.length == 0) return;
        which %= demandIds.length;
        Demanded memory one = demanded[which];
        if (demands.demands(demandIds[which]).state != DemandState.Open) return;
        if (block.timestamp < demands.demands(demandIds[which]).deadline) return;
        if (statusOf(one.id) == Status.Pending) {
            demands.expire(one.id, one.demander, one.position); // must not fail
            convicted[one.id] = true;
        } else {
            try demands.expire(one.id, one.demander, one.position) {
                assertTrue(convicted[one.id], "a bounty without a slash");
            } catch {}
        }
        track();
    }

    function doSettleDemands(uint256 which) external {
        for (uint256 i = which % 3; i < demandIds.length; i += 3) {
            try demands.settle(demandIds[i]) {} catch {}
        }
    }

    /// Finalizes any block that can be; most times the next one gets its attestations and its time first.
    function doFinalize(uint256 which) external {
        if (ids.length == 0) return;
        bytes32 id = ids[recent(which)];
        if (which % 3 > 0) {
            id = nextToFinalize();
            for (uint256 i = 0; i < 5; ++i) {
                vm.prank(actors[i]);
                try registry.attest(id, type(uint16).max) {} catch {}
            }
            pass(WINDOW);
        }
        try registry.finalize(id) {
            rewards += MINER_REWARD;
        } catch {}
        track();
    }

    /// Settles whatever can be settled of a third of all blocks.
    function doSettleBlocks(uint256 which) external {
        for (uint256 i = which % 3; i < ids.length; i += 3) {
            if (seen[ids[i]] == Status.Pending) try registry.orphan(ids[i]) {} catch {}
            if (seen[ids[i]] != Status.Slashed) continue;
            try registry.forfeitBond(ids[i]) {
                ++forfeits;
            } catch {}
        }
        track();
    }

    function doSettleAttestations(uint256 who, uint256 which) external {
        for (uint256 i = which % 2; i < ids.length; i += 2) {
            if (seen[ids[i]] <= Status.Pending) continue;
            uint8 attestation = registry.attestationOf(ids[i], actors[who % 5]);
            if (attestation != 1 && attestation != 3) continue;
            try registry.settleAttestation(ids[i], actors[who % 5]) {
                if (seen[ids[i]] != Status.Finalized || attestation == 3) continue;
                rewards += ATTESTER_REWARD / registry.blocks(ids[i]).timely;
            } catch {}
        }
    }

    function doClaimHead(uint256 which) external {
        if (ids.length == 0) return;
        try registry.claimHead(ids[recent(which)]) {} catch {}
    }

    function doMoney(uint256 who, uint256 amount, bool verifier, uint256 what) external {
        address someone = actors[who % 5];
        Role role = verifier ? Role.Verifier : Role.Miner;
        if (what % 3 == 0) bond(someone, role, bound(amount, 1, 3 ether));
        vm.prank(someone);
        if (what % 3 == 1) {
            try vault.unbond(role, bound(amount, 1, 1 ether)) {} catch {}
        } else {
            try vault.collect() {} catch {}
        }
    }

    function doWait(uint256 seconds_) external {
        pass(bound(seconds_, 1, WINDOW / 2));
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
    }
}

/// @notice What forge asks a test contract for, to know which functions to call.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 150
/// forge-config: default.invariant.fail-on-revert = true
/// forge-config: bench.invariant.runs = 10000
/// forge-config: bench.invariant.depth = 50
/// forge-config: bench.invariant.fail-on-revert = true
contract InvariantsTest is Fixture {
    Handler private handler;

    function setUp() public override {
        handler = new Handler();
        handler.setUp();
        (registry, vault, token, demands) = handler.system();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[20] memory all = [
            Handler.doPropose.selector, // four times as often as the rest
            Handler.doPropose.selector,
            Handler.doPropose.selector,
            Handler.doPropose.selector,
            Handler.doAttest.selector,
            Handler.doProve.selector,
            Handler.doDemand.selector,
            Handler.doDemand.selector,
            Handler.doReveal.selector,
            Handler.doReveal.selector,
            Handler.doFollowUp.selector,
            Handler.doExpire.selector,
            Handler.doSettleDemands.selector,
            Handler.doFinalize.selector,
            Handler.doFinalize.selector,
            Handler.doSettleBlocks.selector,
            Handler.doSettleAttestations.selector,
            Handler.doClaimHead.selector,
            Handler.doMoney.selector,
            Handler.doWait.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](all.length));
        for (uint256 i = 0; i < all.length; ++i) {
            targets[0].selectors[i] = all[i];
        }
    }

    /// All rules in one campaign: forge plays the same random history once more for every further function.
    function invariant_balance_one_chain_final_states_and_supply() public view {
        creditsAndBondsAreTheVaultsBalance();
        everyBlockHoldsExactlyOneBond();
        verifiersBondsAreTheirObligations();
        openDemandsAreCounted();
        finalizedBlocksFormOneChain();
        noBlockLeavesAFinalState();
        orphansShareTheirParentsFate();
        headIsLive();
        mintedIsTheSumOfRewards();
        difficultyAndWorkFollowFromTheParent();
    }

    /// Pitfall 13.
    function creditsAndBondsAreTheVaultsBalance() internal view {
        uint256 owed = 0;
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            address someone = handler.actor(i);
            owed += vault.creditOf(someone);
            owed += free(someone, Role.Miner) + locked(someone, Role.Miner);
            owed += free(someone, Role.Verifier) + locked(someone, Role.Verifier);
        }
        assertEq(owed, address(vault).balance, "credits + bonds = balance");
    }

    /// A miner's bond is locked exactly while its block is pending, or slashed and not yet forfeited.
    function everyBlockHoldsExactlyOneBond() internal view {
        uint256 expected = 0;
        for (uint256 i = 0; i < handler.count(); ++i) {
            Status status = statusOf(handler.ids(i));
            if (status == Status.Pending || status == Status.Slashed) expected += MINER_BOND;
        }
        uint256 actual = handler.forfeits() * MINER_BOND;
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            actual += locked(handler.actor(i), Role.Miner);
        }
        assertEq(actual, expected, "locked miners' bonds");
    }

    /// Locked as a verifier: one bond per attestation and one fee per demand that are not settled.
    function verifiersBondsAreTheirObligations() internal view {
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            address someone = handler.actor(i);
            uint256 expected = 0;
            for (uint256 j = 0; j < handler.count(); ++j) {
                uint8 attestation = registry.attestationOf(handler.ids(j), someone);
                if (attestation == 1 || attestation == 3) expected += ATTEST_BOND;
            }
            for (uint256 j = 0; j < handler.demandCount(); ++j) {
                (, address demander,) = handler.demanded(j);
                bool settled = demands.demands(handler.demandIds(j)).state == DemandState.Settled;
                if (demander == someone && !settled) expected += DEMAND_FEE;
            }
            assertEq(locked(someone, Role.Verifier), expected, "locked verifiers' bonds");
        }
    }

    /// Pitfall 11: what holds up a pending block are exactly its open demands; none is open on a finalized block.
    function openDemandsAreCounted() internal view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            Status status = statusOf(id);
            if (status == Status.Slashed) continue;
            uint256 open = 0;
            for (uint256 j = 0; j < handler.demandCount(); ++j) {
                (bytes32 about,,) = handler.demanded(j);
                if (about == id && demands.demands(handler.demandIds(j)).state == DemandState.Open) ++open;
            }
            assertEq(registry.blocks(id).openDemands, open, "open demands");
            assertTrue(status == Status.Pending || open == 0, "judged with an open demand");
        }
    }

    function finalizedBlocksFormOneChain() internal view {
        uint256 finalized = 0;
        for (uint256 i = 0; i < handler.count(); ++i) {
            if (statusOf(handler.ids(i)) == Status.Finalized) ++finalized;
        }
        bytes32 down = registry.finalizedTip();
        assertEq(registry.blocks(down).height, finalized, "as many finalized blocks as the tip is high");
        for (; down != registry.genesisId(); down = registry.blocks(down).parent) {
            assertStatus(down, Status.Finalized, "every block below the tip is finalized");
        }
    }

    /// The handler looks after every call that may settle a block, and fails when one left a final state.
    function noBlockLeavesAFinalState() internal view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            assertTrue(statusOf(handler.ids(i)) == handler.seen(handler.ids(i)), "a status changed unseen");
        }
    }

    /// What lies above a slashed block is known for it, and nothing is orphaned before its parent is judged.
    function orphansShareTheirParentsFate() internal view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            Block memory own = registry.blocks(handler.ids(i));
            Block memory parent = registry.blocks(own.parent);
            bool lost = own.status == Status.Orphaned;
            bool above = parent.status == Status.Slashed || parent.aboveSlashed;
            assertTrue(own.aboveSlashed == (lost && above), "above a slashed block");
            assertTrue(!lost || parent.status > Status.Pending, "judged before its parent");
        }
    }

    /// Pitfall 15: there is always a live head to build on.
    function headIsLive() internal view {
        bytes32 tip = registry.finalizedTip();
        for (bytes32 down = registry.head(); down != tip; down = registry.blocks(down).parent) {
            assertStatus(down, Status.Pending, "between tip and head");
        }
    }

    /// Pitfall 16: difficulty is what the parent gives its children, within the bounds; work adds up.
    function difficultyAndWorkFollowFromTheParent() internal view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            Block memory own = registry.blocks(handler.ids(i));
            Block memory parent = registry.blocks(own.parent);
            uint256 elapsed = own.proposedAt - parent.proposedAt;
            (uint256 low, uint256 high) = (DIFFICULTY - 1500, DIFFICULTY + 1500);
            uint256 next = Difficulty.retarget(own.difficulty, elapsed, 20, 50, low, high);
            assertEq(own.difficulty, parent.childDifficulty, "born with");
            assertEq(own.childDifficulty, own.height == 1 ? own.difficulty : next, "gives on");
            assertEq(own.totalWork, parent.totalWork + Difficulty.work(own.difficulty), "work");
        }
    }

    function mintedIsTheSumOfRewards() internal view {
        assertEq(token.totalSupply(), handler.rewards(), "supply = sum of rewards");
    }
}
