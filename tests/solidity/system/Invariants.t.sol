// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondVault} from "../../../contracts/BondVault.sol";
import {Demands} from "../../../contracts/Demands.sol";
import {Explanations} from "../../../contracts/Explanations.sol";
import {SumNode} from "../../../contracts/interfaces/ICourt.sol";
import {Demand, DemandState, Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {Explanation, ExplanationState, SpeakerState} from "../../../contracts/interfaces/IExplanations.sol";
import {Difficulty} from "../../../contracts/lib/Difficulty.sol";
import {LearnToken} from "../../../contracts/LearnToken.sol";
import {PoLRegistry} from "../../../contracts/PoLRegistry.sol";
import {Block, EvidenceKind, Header, Parameters, Role, Status, Tree} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {Programs} from "../fixtures/Programs.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Plays the whole system at random: one function per thing that somebody can do. What cannot be done now is
/// skipped, so that long histories come about; what can must not fail.
contract Handler is Fixture {
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

    /// Proposes on the head, or up to six blocks on any recent one, which then may lead; some are a cheat's.
    function doPropose(uint256 who, uint256 where, bool bad) external {
        where = mixed(where);
        bool fork = ids.length > 0 && where % 3 == 0;
        bytes32 parent = fork ? ids[recent(where >> 4)] : registry.head();
        for (uint256 i = 0; i <= (fork ? (where >> 8) % 6 : 0); ++i) {
            address miner = actors[who % 5];
            Header memory header = makeHeader(parent, miner, ++nonces);
            vm.prank(miner);
            try registry.propose(header, ANY_DIFFICULTY) returns (bytes32 id) {
                ids.push(id);
                headers[id] = header;
                forged[id] = bad && where % 2 == 0;
                seen[id] = Status.Pending;
                parent = id;
                track();
            } catch {
                return;
            }
        }
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

    /// Somebody demands something of one of the last blocks: its bits, seldom what nobody can show, or more of an
    /// explanation.
    function doDemand(uint256 who, uint256 which, uint256 what) external {
        if (ids.length == 0) return;
        (which, what) = (mixed(which), mixed(what));
        bytes32 id = ids[recent(which)];
        Position memory position = bitsPosition();
        if (what % 16 == 0) position = stepsPosition();
        if (what % 3 == 0 && evaluations.length > 0) {
            Evaluation memory about = evaluations[evaluations.length - 1 - what % evaluations.length % 6];
            (id, position) = (about.id, Position(Item.Nodes, about.tree, about.sample, 3, 0, 0));
            position.explanation = explanations.rootOf(id, about.tree, about.sample);
        }
        bytes32 demandId = demands.demandIdOf(id, position);
        vm.prank(actors[who % 5]);
        try demands.demand(id, position, Programs.open(position.tree, position.tensor)) {
            if (!known[demandId]) demanded.push(Demanded(id, position));
            if (!known[demandId]) demandIds.push(demandId);
            known[demandId] = true;
        } catch {}
    }

    /// Answers most of the last demands for bits.
    function doReveal(uint256 who, uint256 which) external {
        which = mixed(which);
        for (uint256 i = 0; i < 12 && i < demandIds.length; ++i) {
            uint256 number = demandIds.length - 1 - i;
            if ((which >> i) % 4 == 0) continue;
            Demanded memory one = demanded[number];
            if (one.position.item != Item.Bits || forged[one.id] || statusOf(one.id) != Status.Pending) continue;
            if (demands.demands(demandIds[number]).state != DemandState.Open) continue;
            if (block.timestamp >= demands.demands(demandIds[number]).deadline) continue;
            answerBits(actors[who % 5], headers[one.id]); // must not fail
            if (actors[who % 5] != headers[one.id].miner) ++answers[one.id];
        }
    }

    /// Demands explanations of a block whose bits were shown.
    function doDemandExplanation(uint256 who, uint256 which, uint256 what) external {
        (which, what) = (mixed(which), mixed(what));
        for (uint256 i = 0; i < 6 && i < demandIds.length; ++i) {
            Demanded memory one = demanded[demandIds.length - 1 - (which % 6 + i) % demandIds.length];
            if (one.position.item != Item.Bits) continue;
            Evaluation memory about =
                Evaluation(one.id, what % 2 == 0 ? Tree.Before : Tree.After, uint32(what >> 1) % 4);
            SumNode[] memory siblings = bitSiblings(0);
            vm.prank(actors[who % 5]);
            try explanations.demand(headers[one.id], about.tree, about.sample, bits()[0], siblings) {
                evaluations.push(about);
                return;
            } catch {}
        }
    }

    /// Explains most of what is open; every fourth explanation is false.
    function doExplain(uint256 who, uint256 which) external {
        which = mixed(which);
        for (uint256 i = 0; i < 6 && i < evaluations.length; ++i) {
            Evaluation memory one = evaluations[evaluations.length - 1 - i];
            if ((which >> (2 * i)) % 4 == 0 || forged[one.id] || statusOf(one.id) != Status.Pending) continue;
            Explanation memory made = explanations.explanationOf(one.id, one.tree, one.sample);
            if (made.state != ExplanationState.Open || block.timestamp >= made.deadline) continue;
            address author = actors[(who + i) % 5];
            (SpeakerState state,) = explanations.speakerOf(one.id, author);
            if (state == SpeakerState.Fallen || free(author, Role.Verifier) < ATTEST_BOND) continue;
            explain(author, headers[one.id], one.tree, one.sample, (which >> (2 * i)) % 4); // must not fail
        }
    }

    /// Refutes a false explanation that stands, or has one reopened whose author has fallen.
    function doRefute(uint256 who, uint256 which) external {
        for (uint256 i = 0; i < evaluations.length; ++i) {
            Evaluation memory one = evaluations[(which % evaluations.length + i) % evaluations.length];
            if (statusOf(one.id) != Status.Pending) continue;
            Explanation memory made = explanations.explanationOf(one.id, one.tree, one.sample);
            if (made.state != ExplanationState.Explained) continue;
            (SpeakerState state,) = explanations.speakerOf(one.id, made.author);
            bytes32 start = one.tree == Tree.Before ? headers[one.id].preRoot : headers[one.id].postRoot;
            bool wrong = made.traceRoot == Programs.evaluationRoot(start, 3);
            if (state == SpeakerState.Fallen) reopen(one);
            else if (wrong) commitAndRefute(actors[who % 5], one.id, one.tree, one.sample); // must not fail
            else continue;
            return;
        }
    }

    /// Inside the challenge window it must not fail; afterwards the author may have fallen too long ago.
    function reopen(Evaluation memory one) private {
        try explanations.reopen(one.id, one.tree, one.sample) {}
        catch {
            assertTrue(block.timestamp >= registry.blocks(one.id).proposedAt + WINDOW, "not reopened in time");
        }
    }

    function doExpire(uint256 which) external {
        for (uint256 i = 0; i < demandIds.length; ++i) {
            uint256 number = (which % demandIds.length + i) % demandIds.length;
            Demanded memory one = demanded[number];
            Demand memory made = demands.demands(demandIds[number]);
            bool pending = statusOf(one.id) == Status.Pending;
            bytes32 about = one.position.explanation;
            (Tree tree, uint32 sample) = (one.position.tree, one.position.index);
            bool stands = explanations.vouched(one.id, tree, sample, about, made.deadline);
            bool due = block.timestamp >= made.deadline || (about != 0 && !stands);
            if (made.state != DemandState.Open || !due || (about != 0 && !pending)) continue;
            if (!pending) {
                try demands.expire(one.id, one.position) {
                    assertTrue(convicted[one.id], "a bounty without a slash");
                } catch {}
                continue;
            }
            demands.expire(one.id, one.position); // must not fail
            if (about == 0) convicted[one.id] = true;
            break;
        }
        track();
    }

    function doExpireExplanation(uint256 which) external {
        for (uint256 i = 0; i < evaluations.length; ++i) {
            Evaluation memory one = evaluations[(which % evaluations.length + i) % evaluations.length];
            Explanation memory made = explanations.explanationOf(one.id, one.tree, one.sample);
            if (made.state != ExplanationState.Open || block.timestamp < made.deadline) continue;
            if (statusOf(one.id) != Status.Pending) continue;
            explanations.expire(one.id, one.tree, one.sample); // must not fail
            convicted[one.id] = true;
            break;
        }
        track();
    }

    function doHasten(uint256 which) external {
        if (demandIds.length == 0) return;
        Demanded memory one = demanded[which % demandIds.length];
        try demands.hasten(one.id, one.position) {} catch {}
        if (evaluations.length == 0) return;
        Evaluation memory other = evaluations[which % evaluations.length];
        try explanations.hasten(other.id, other.tree, other.sample) {} catch {}
    }

    function doSettleDemands(uint256 which) external {
        for (uint256 i = which % 3; i < demandIds.length; i += 3) {
            Demand memory made = demands.demands(demandIds[i]);
            Demanded memory one = demanded[i];
            try demands.settle(one.id, one.position) {
                bool counted = made.state == DemandState.Answered && made.responder != headers[one.id].miner;
                if (!counted || statusOf(one.id) != Status.Slashed) continue;
                paid[one.id] += demands.answersPay(one.id) / answers[one.id];
            } catch {}
        }
        for (uint256 i = which % 3; i < evaluations.length; i += 3) {
            Evaluation memory one = evaluations[i];
            try explanations.settle(one.id, one.tree, one.sample) {} catch {}
            try explanations.release(one.id, actors[which % 5]) {} catch {}
        }
    }

    /// Finalizes any block that can be; most times the next one gets its attestations and its time first.
    function doFinalize(uint256 which) external {
        if (ids.length == 0) return;
        which = mixed(which);
        bytes32 id = ids[recent(which)];
        if (which % 3 > 0) {
            id = nextToFinalize();
            for (uint256 i = 0; i < 5; ++i) {
                vm.prank(actors[i]);
                try registry.attest(id, type(uint16).max) {} catch {}
            }
            pass(WINDOW);
        }
        bytes32 witness = id;
        for (bytes32 up = registry.head(); up != id && (which >> 8) % 3 > 0; up = registry.blocks(up).parent) {
            if (registry.blocks(up).height == 0) break;
            if (up == registry.head() || (which >> 9) % 2 > 0) witness = up;
        }
        bool contested = id != 0 && outweighed(id, witness);
        try registry.finalize(id, witness) {
            assertTrue(!contested, "final beside a better rival");
            uint256 timely = registry.blocks(id).timely;
            rewards += MINER_REWARD - ATTESTER_REWARD * timely;
        } catch {}
        track();
    }

    /// Settles whatever can be settled of a third of all blocks.
    function doSettleBlocks(uint256 which) external {
        for (uint256 i = which % 3; i < ids.length; i += 3) {
            if (seen[ids[i]] == Status.Pending) try registry.orphan(ids[i]) {} catch {}
            if (seen[ids[i]] != Status.Slashed) continue;
            try registry.forfeitBond(ids[i]) {
                forfeited[ids[i]] = true;
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
                rewards += ATTESTER_REWARD;
            } catch {}
        }
    }

    function doClaimHead(uint256 which) external {
        if (ids.length == 0) return;
        try registry.claimHead(ids[recent(which)]) {} catch {}
        try registry.contest(ids[which % ids.length]) {
            rivals.push(ids[which % ids.length]);
        } catch {}
        track();
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
        (registry, vault, token, demands, explanations) = handler.system();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[25] memory all = [
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
            Handler.doDemandExplanation.selector,
            Handler.doExplain.selector,
            Handler.doExplain.selector,
            Handler.doRefute.selector,
            Handler.doExpire.selector,
            Handler.doExpireExplanation.selector,
            Handler.doHasten.selector,
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

    /// A miner's bond is locked while its block is pending, or slashed and not yet forfeited; then what pays for
    /// answers is, until it has.
    function everyBlockHoldsExactlyOneBond() internal view {
        uint256 expected = 0;
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            Status status = statusOf(id);
            if (status == Status.Pending) expected += MINER_BOND;
            if (status != Status.Slashed) continue;
            expected += (handler.forfeited(id) ? demands.answersPay(id) : MINER_BOND) - handler.paid(id);
        }
        uint256 actual = 0;
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            actual += locked(handler.actor(i), Role.Miner);
        }
        assertEq(actual, expected, "locked miners' bonds");
    }

    /// Locked as a verifier: a bond per attestation and per block that one speaks for, and a fee per demand, that are
    /// not settled.
    function verifiersBondsAreTheirObligations() internal view {
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            address someone = handler.actor(i);
            uint256 expected = 0;
            for (uint256 j = 0; j < handler.count(); ++j) {
                uint8 attestation = registry.attestationOf(handler.ids(j), someone);
                if (attestation == 1 || attestation == 3) expected += ATTEST_BOND;
                (SpeakerState state,) = explanations.speakerOf(handler.ids(j), someone);
                if (state == SpeakerState.Bonded) expected += ATTEST_BOND;
            }
            for (uint256 j = 0; j < handler.demandCount(); ++j) {
                Demand memory made = demands.demands(handler.demandIds(j));
                bool settled = made.state == DemandState.Settled || made.state == DemandState.None;
                if (made.demander == someone && !settled) expected += DEMAND_FEE;
            }
            for (uint256 j = 0; j < handler.evaluationCount(); ++j) {
                Explanation memory made = evaluation(j);
                if (made.demander == someone && made.state != ExplanationState.Settled) expected += DEMAND_FEE;
            }
            assertEq(locked(someone, Role.Verifier), expected, "locked verifiers' bonds");
        }
    }

    /// Pitfall 11, 24: what holds up a pending block are exactly its open demands; none is open on a finalized block;
    /// and deadlines stretch with those of pending blocks alone.
    function openDemandsAreCounted() internal view {
        uint256 all = 0;
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            Status status = statusOf(id);
            if (status == Status.Slashed) continue;
            uint256 open = 0;
            for (uint256 j = 0; j < handler.demandCount(); ++j) {
                (bytes32 about,) = handler.demanded(j);
                if (about == id && demands.demands(handler.demandIds(j)).state == DemandState.Open) ++open;
            }
            for (uint256 j = 0; j < handler.evaluationCount(); ++j) {
                (bytes32 about,,) = handler.evaluations(j);
                if (about == id && evaluation(j).state == ExplanationState.Open) ++open;
            }
            assertEq(registry.blocks(id).openDemands, open, "open demands");
            assertTrue(status == Status.Pending || open == 0, "judged with an open demand");
            all += open;
        }
        assertEq(registry.openDemands(), all, "of all pending blocks");
    }

    function evaluation(uint256 number) internal view returns (Explanation memory) {
        (bytes32 id, Tree tree, uint32 sample) = handler.evaluations(number);
        return explanations.explanationOf(id, tree, sample);
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
