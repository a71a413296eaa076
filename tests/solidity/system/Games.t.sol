// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TraceId} from "../../../contracts/interfaces/ICourt.sol";
import {Position} from "../../../contracts/interfaces/IDemands.sol";
import {Segments} from "../../../contracts/lib/Segments.sol";
import {EvidenceKind, Header, Role, Tree} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Plays the games of tests/golden/games.json, drawn at random, and ends with what the ledger of
/// tests/economics says: which calls go through, who is the head, what is final, and who has how much. So what a search
/// over games finds, or does not find, holds for the contracts.
contract GamesTest is Fixture {
    uint256 private constant ACCOUNTS = 6;
    uint256 private constant GAMES = 48;

    /// As tests/economics/games_vectors.py numbers them.
    enum Call {
        Wait,
        Propose,
        Attest,
        ClaimHead,
        Contest,
        Finalize,
        Orphan,
        Commit,
        Prove,
        ForfeitBond,
        SettleAttestation,
        Demand,
        Answer,
        Expire,
        Settle,
        CommitRefute,
        Refute,
        Reopen,
        Hasten
    }

    enum Kind {
        Steps,
        Bits,
        Roots,
        Sample
    }

    struct Row {
        Call call;
        uint256 account;
        uint256 number; // of the block
        Kind kind;
        uint32 index;
        bool goesThrough;
        uint256 head;
        uint256 tip;
    }

    Header[] private headers; // by number; genesis has none
    bytes32[] private ids;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            bond(account(i), Role.Miner, 50 ether);
            bond(account(i), Role.Verifier, 50 ether);
        }
        headers.push();
        ids.push(registry.genesisId());
    }

    function test_every_game_ends_as_the_ledger_says() public {
        string memory json = vm.readFile("tests/golden/games.json");
        for (uint256 i = 0; i < GAMES; ++i) {
            this.playOne(json, i); // and forgets it
        }
    }

    /// Reverts in the end, with nothing but the outcome, so that every game begins anew.
    function playOne(string calldata json, uint256 game) external {
        try this.play(json, game) {
            assertTrue(false, "must revert");
        } catch (bytes memory why) {
            assertEq(keccak256(why), keccak256(abi.encodeWithSelector(Played.selector, game)), string(why));
        }
    }

    error Played(uint256 game);

    function play(string calldata json, uint256 game) external {
        string memory path = string.concat(".games[", vm.toString(game), "]");
        uint256[] memory rows = vm.parseJsonUintArray(json, string.concat(path, ".calls"));
        for (uint256 i = 0; i < rows.length; i += 8) {
            Row memory row = Row(
                Call(rows[i]),
                rows[i + 1],
                rows[i + 2],
                Kind(rows[i + 3]),
                uint32(rows[i + 4]),
                rows[i + 5] == 1,
                rows[i + 6],
                rows[i + 7]
            );
            string memory what = string.concat("game ", vm.toString(game), ", call ", vm.toString(i / 8));
            try this.make(row) {
                assertTrue(row.goesThrough, what);
            } catch {
                assertTrue(!row.goesThrough, what);
            }
            assertEq(registry.head(), ids[row.head], string.concat(what, ": head"));
            assertEq(registry.finalizedTip(), ids[row.tip], string.concat(what, ": final tip"));
        }
        uint256[] memory worth = vm.parseJsonUintArray(json, string.concat(path, ".worth"));
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            assertEq(has(account(i)), worth[i], string.concat(path, ": account ", vm.toString(i)));
        }
        assertEq(vault.burned(), vm.parseJsonUintArray(json, string.concat(path, ".burned"))[0], "burned");
        revert Played(game);
    }

    function make(Row calldata row) external {
        address who = account(row.account);
        bytes32 id = ids[row.number];
        if (row.call == Call.Wait) pass(row.account);
        else if (row.call == Call.Propose) propose(row.number, who);
        else if (row.call == Call.Attest) attest(id, who);
        else if (row.call == Call.Finalize) registry.finalize(id, ids[row.index]);
        else if (row.call == Call.ClaimHead) registry.claimHead(id);
        else if (row.call == Call.Contest) registry.contest(id);
        else if (row.call == Call.Orphan) registry.orphan(id);
        else if (row.call == Call.Commit) commitTo(who, id, EvidenceKind.Step);
        else if (row.call == Call.Prove) prove(who, id, EvidenceKind.Step);
        else if (row.call == Call.ForfeitBond) registry.forfeitBond(id);
        else if (row.call == Call.SettleAttestation) registry.settleAttestation(id, who);
        else if (row.call == Call.CommitRefute) commitToRefuteNow(who, id, row.index);
        else if (row.call == Call.Refute) refute(who, id, Tree.Before, row.index);
        else if (row.call == Call.Reopen) explanations.reopen(id, Tree.Before, row.index);
        else if (row.kind == Kind.Sample) aboutSample(row, id, who);
        else aboutPosition(row, id, who);
    }

    function propose(uint256 parent, address who) private {
        Header memory header = makeHeader(ids[parent], who, uint64(ids.length));
        header.segmentRoot = this.listRoot(steps());
        ids.push(propose(header));
        headers.push(header);
    }

    function aboutSample(Row calldata row, bytes32 id, address who) private {
        if (row.call == Call.Demand) demandExplanation(who, headers[row.number], Tree.Before, row.index);
        else if (row.call == Call.Answer) explain(who, headers[row.number], Tree.Before, row.index, 1);
        else if (row.call == Call.Expire) explanations.expire(id, Tree.Before, row.index);
        else if (row.call == Call.Hasten) explanations.hasten(id, Tree.Before, row.index);
        else explanations.settle(id, Tree.Before, row.index);
    }

    function aboutPosition(Row calldata row, bytes32 id, address who) private {
        Position memory position = rootsPosition(Tree.Segment, row.index);
        if (row.kind != Kind.Roots) position = row.kind == Kind.Steps ? stepsPosition() : bitsPosition();
        if (row.call == Call.Demand) demand(who, id, position);
        else if (row.call == Call.Expire) demands.expire(id, position);
        else if (row.call == Call.Hasten) demands.hasten(id, position);
        else if (row.call == Call.Settle) demands.settle(id, position);
        else if (row.kind == Kind.Bits) answerBits(who, headers[row.number]);
        else answerSteps(who, headers[row.number]);
    }

    function answerSteps(address who, Header memory header) private {
        vm.prank(who);
        reveals.revealSteps(header, stepsPosition(), steps());
    }

    /// One L1 block is one wait here, so the commitment itself takes none.
    function commitToRefuteNow(address who, bytes32 id, uint32 sample) private {
        bytes memory call = abi.encodeCall(court.refute, (id, TraceId(Tree.Before, sample), SALT));
        bytes32 commitment = keccak256(abi.encode(who, keccak256(call)));
        vm.prank(who);
        bounties.commit(commitment);
    }

    function steps() private pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](STEPS);
        for (uint256 i = 0; i < STEPS; ++i) {
            hashes[i] = keccak256(abi.encode("step", i));
        }
    }

    function listRoot(bytes32[] calldata hashes) external pure returns (bytes32) {
        return Segments.root(hashes);
    }

    function account(uint256 i) private pure returns (address) {
        return address(uint160(0x5000 + i));
    }

    function has(address who) private view returns (uint256) {
        uint256 miner = free(who, Role.Miner) + locked(who, Role.Miner);
        return miner + free(who, Role.Verifier) + locked(who, Role.Verifier) + vault.creditOf(who);
    }
}
