// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Genesis} from "./Genesis.sol";
import {IBondVault} from "./interfaces/IBondVault.sol";
import {IBounties} from "./interfaces/IBounties.sol";
import {IDemands} from "./interfaces/IDemands.sol";
import {IExplanations} from "./interfaces/IExplanations.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {LearnToken} from "./LearnToken.sol";
import {BlockLifecycle} from "./lib/BlockLifecycle.sol";
import {BlockTree} from "./lib/BlockTree.sol";
import {Derivation} from "./lib/Derivation.sol";
import {Difficulty} from "./lib/Difficulty.sol";
import {Headers} from "./lib/Headers.sol";
import {Block, EvidenceKind, Header, Parameters, Role, RuleSet, Status, Task} from "./Types.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title The tree of blocks: proposals, attestations, fork choice, finality. The contract to read first.
/// @notice A block's life is in lib/BlockLifecycle.sol, its place in the tree in lib/BlockTree.sol, what is fixed at
/// genesis in Genesis.sol, all ETH in BondVault.sol. Court.sol judges blocks, Demands.sol has hidden parts of them
/// shown, Explanations.sol how test samples were evaluated, and Bounties.sol says whose the bounty is.
/// @dev Everything refers to block ids, never to heights: an id covers the parent and the proposer, so a reorg of L1
/// cannot make a call mean another block, and nobody can take another's id. Functions on settled blocks are open to
/// everyone and always pay whoever is entitled, so nobody has to wait for anybody. A re-entrancy guard is absent: the
/// contracts called here are our own, run no foreign code, and are called last.
/// @custom:security-contact SECURITY.md of the repository
contract PoLRegistry is Genesis {
    using BlockLifecycle for Block;
    using BlockTree for BlockTree.Tree;

    uint8 private constant ATTESTED = 1;
    uint8 private constant SETTLED = 2;
    uint8 private constant ATTESTED_LATE = 3;

    IBondVault public immutable vault;
    LearnToken public immutable token;
    IBounties public immutable bounties;
    IDemands public immutable demands;
    IExplanations public immutable explanations;

    /// @inheritdoc IPoLRegistry
    uint256 public openDemands;

    BlockTree.Tree private _tree;
    mapping(bytes32 blockId => mapping(address verifier => uint8)) private _attestations;
    mapping(bytes32 blockId => bool) private _forfeited;

    constructor(
        Task memory task_,
        Parameters memory parameters_,
        IBondVault vault_,
        LearnToken token_,
        IBounties bounties_,
        IDemands demands_,
        IExplanations explanations_
    ) Genesis(task_, parameters_) {
        vault = vault_;
        token = token_;
        bounties = bounties_;
        demands = demands_;
        explanations = explanations_;

        _tree.plant(genesisId, parameters_.difficulty);
    }

    modifier onlyDemands() {
        bool known = msg.sender == address(demands) || msg.sender == address(explanations);
        require(known, NotDemands(msg.sender));
        _;
    }

    /// @inheritdoc IPoLRegistry
    function propose(Header calldata header, uint16 searchedAt) external returns (bytes32 blockId) {
        require(msg.sender == header.miner, NotMiner(header.miner, msg.sender));
        _checkIndices(header);
        require(RULES == RuleSet.Hardened || header.segmentRoot == bytes32(0), SegmentNotEmpty(header.segmentRoot));
        blockId = blockIdOf(header);
        require(_tree.blocks[blockId].status == Status.None, AlreadyProposed(blockId));
        Block storage parent = _tree.blocks[header.parent];
        _checkParent(header.parent, parent.status);
        _checkAccuracy(header);
        uint16 difficulty = parent.childDifficulty;
        require(difficulty <= searchedAt, HarderThanSearched(blockId, difficulty, searchedAt));

        uint40 height = _insert(blockId, header, parent);

        emit BlockProposed(blockId, header.parent, msg.sender, height, difficulty, header);
        _tree.offer(blockId); // emits HeadChanged

        vault.lock(msg.sender, Role.Miner, minerBond);
    }

    /// @inheritdoc IPoLRegistry
    function attest(bytes32 blockId, uint16 checkedAt) external {
        Block storage attested = _tree.blocks[blockId];
        attested.requirePending(blockId);
        uint16 difficulty = attested.difficulty;
        require(difficulty <= checkedAt, HarderThanChecked(blockId, difficulty, checkedAt));
        require(msg.sender != attested.miner, OwnBlock(blockId, msg.sender));
        require(_attestations[blockId][msg.sender] == 0, AlreadyAttested(blockId, msg.sender));

        // whoever waits until the window is nearly over risks little: that fills a quorum, but is not paid
        bool timely = block.timestamp < attested.windowEnd(challengeWindow / 2);
        _attestations[blockId][msg.sender] = timely ? ATTESTED : ATTESTED_LATE;
        attested.attestations += 1;
        if (timely) attested.timely += 1;

        emit Attested(blockId, msg.sender);

        vault.lock(msg.sender, Role.Verifier, attestBond);
    }

    /// @inheritdoc IPoLRegistry
    function claimHead(bytes32 blockId) external {
        _tree.blocks[blockId].requirePending(blockId);
        _tree.requireLive(blockId, type(uint256).max);

        bool better = _tree.offer(blockId); // emits HeadChanged
        require(better, NotBetterHead(blockId, _tree.head));
    }

    /// @inheritdoc IPoLRegistry
    function catchUp(bytes32 blockId, uint256 entries) external {
        _tree.blocks[blockId].requirePending(blockId);
        _tree.requireLive(blockId, entries);
    }

    /// @inheritdoc IPoLRegistry
    function contest(bytes32 blockId) external {
        _tree.blocks[blockId].requirePending(blockId);
        _tree.requireLive(blockId, type(uint256).max);
        _tree.contest(blockId); // emits HeadContested
    }

    /// @inheritdoc IPoLRegistry
    function dismiss(uint256 place, bytes32 rival, uint256 entries) external {
        _tree.dismiss(place, rival, entries);
    }

    /// @inheritdoc IPoLRegistry
    function finalize(bytes32 blockId, bytes32 witness) external {
        for (bytes32 id = witness; id != blockId; id = _tree.blocks[id].parent) {
            _tree.blocks[id].requireJudged(id, challengeWindow); // genesis is not pending: that ends it
        }
        Block storage final_ = _tree.blocks[blockId];
        final_.finalize(blockId, challengeWindow, QUORUM);
        _tree.advance(blockId, final_.parent, witness);
        address miner = final_.miner;
        uint256 reward = MINER_REWARD - ATTESTER_REWARD * Math.min(final_.timely, PAID_ATTESTERS);

        emit BlockFinalized(blockId, miner, reward);

        vault.unlock(miner, Role.Miner, minerBond);
        token.mint(miner, reward);
    }

    /// @inheritdoc IPoLRegistry
    function orphan(bytes32 blockId) external {
        Block storage lost = _tree.blocks[blockId];
        Block storage parent = _tree.blocks[lost.parent];
        Status fate = parent.status;
        bool aboveSlashed = fate == Status.Slashed || parent.aboveSlashed;
        lost.orphan(blockId, challengeWindow, aboveSlashed);
        bool beaten = fate == Status.Finalized && lost.height <= _tree.finalizedHeight;
        require(beaten || fate > Status.Finalized, StillLive(blockId));
        address miner = lost.miner;
        uint256 loss = aboveSlashed ? minerBond - minerBond / 2 : 0;

        emit BlockOrphaned(blockId, miner, loss);

        if (loss > 0) vault.burn(miner, Role.Miner, loss);
        vault.unlock(miner, Role.Miner, minerBond - loss);
    }

    /// @inheritdoc IPoLRegistry
    function slash(bytes32 blockId, EvidenceKind kind) external {
        require(msg.sender == address(bounties), NotBounties(msg.sender));
        Block storage guilty = _tree.blocks[blockId];
        guilty.slash(blockId);

        uint256 pointless = guilty.openDemands; // nobody has to answer them any more
        if (pointless > 0) openDemands -= pointless;

        emit BlockSlashed(blockId, guilty.miner, kind);
        _tree.cut(blockId); // emits HeadChanged

        // the bond stays locked until it is settled whose the bounty is: forfeitBond
    }

    /// @inheritdoc IPoLRegistry
    function forfeitBond(bytes32 blockId) external {
        Block storage guilty = _tree.blocks[blockId];
        require(guilty.status == Status.Slashed, WrongStatus(blockId, Status.Slashed, guilty.status));
        require(!_forfeited[blockId], AlreadyForfeited(blockId));
        (address first, address prover, bool lapsed) = bounties.winners(blockId);
        address miner = guilty.miner;
        uint256 pay = demands.answersPay(blockId); // which Demands pays out
        uint256 amount = minerBond - pay;

        _forfeited[blockId] = true;

        emit BondForfeited(blockId, miner, first, prover, amount);

        vault.forfeit(miner, Role.Miner, amount, lapsed ? demandFee : minerBond / 2 - pay, first, prover);
    }

    /// @inheritdoc IPoLRegistry
    function settleAttestation(bytes32 blockId, address verifier) external {
        Block storage settled = _tree.blocks[blockId];
        Status outcome = settled.status;
        require(outcome > Status.Pending, WrongStatus(blockId, Status.Finalized, outcome));
        uint8 attestation = _attestations[blockId][verifier];
        require(attestation == ATTESTED || attestation == ATTESTED_LATE, NotAttested(blockId, verifier));

        _attestations[blockId][verifier] = SETTLED;

        // who had the data could see what was wrong, or show and explain what was demanded
        if (outcome == Status.Slashed) return _punish(blockId, verifier);
        bool paid = outcome == Status.Finalized && attestation == ATTESTED;
        uint256 reward = paid ? _attesterReward(settled.timely) : 0;

        emit AttestationSettled(blockId, verifier, outcome, reward, 0);

        vault.unlock(verifier, Role.Verifier, attestBond);
        if (reward > 0) token.mint(verifier, reward);
    }

    /// @inheritdoc IPoLRegistry
    function openDemand(bytes32 blockId) external onlyDemands {
        _tree.blocks[blockId].openDemand(blockId);
        ++openDemands;
    }

    /// @inheritdoc IPoLRegistry
    function closeDemand(bytes32 blockId, bool shown) external onlyDemands {
        _tree.blocks[blockId].closeDemand(blockId, shown ? SafeCast.toUint40(block.timestamp + answerWindow) : 0);
        --openDemands;
    }

    /// @inheritdoc IPoLRegistry
    function head() external view returns (bytes32) {
        return _tree.head;
    }

    /// @inheritdoc IPoLRegistry
    function rivalCount() external view returns (uint256) {
        return _tree.rivalCount;
    }

    /// @inheritdoc IPoLRegistry
    function rivalAt(uint256 place) external view returns (bytes32) {
        return _tree.rivals[place];
    }

    /// @inheritdoc IPoLRegistry
    function finalizedTip() external view returns (bytes32) {
        return _tree.finalizedTip;
    }

    /// @inheritdoc IPoLRegistry
    function blocks(bytes32 blockId) external view returns (Block memory) {
        return _tree.blocks[blockId];
    }

    /// @inheritdoc IPoLRegistry
    function fateOf(bytes32 blockId) external view returns (Status, address, uint256) {
        Block storage known = _tree.blocks[blockId];
        return (known.status, known.miner, known.windowEnd(challengeWindow));
    }

    /// @inheritdoc IPoLRegistry
    function requirementOf(
        bytes32 blockId,
        bytes32 parent,
        address miner,
        uint64 nonce,
        bytes32 postRoot,
        uint256 number
    ) external view returns (uint256 place, uint64 mask, bool odd, RuleSet rules_, bytes32 eligibleHash_) {
        Block storage known = _tree.blocks[blockId];
        require(known.status != Status.None, UnknownBlock(blockId));
        bytes32 seed = Derivation.seed(RULES, taskId, parent, miner, nonce);
        uint256 difficulty = known.difficulty;
        // the whole bits every block has
        if (number >= Difficulty.wholeBits(difficulty)) {
            uint256 needed = Difficulty.neededBits(difficulty, seed, postRoot);
            require(number < needed, NoSuchRequirement(number, needed));
        }

        // drawn in order: later ones do not matter
        uint256 drawn = Derivation.requirements(seed, number + 1, ELIGIBLE_COUNT)[number];
        // forge-lint: disable-next-line(unsafe-typecast): below the number of bits
        uint64 mask_ = RULES == RuleSet.Hardened ? Derivation.mask(seed, uint32(number), MASK_SIZE) : 1;
        return (drawn >> 1, mask_, drawn & 1 == 0, RULES, ELIGIBLE_HASH);
    }

    /// @inheritdoc IPoLRegistry
    function segmentSample(bytes32 blockId, uint32 step, uint256 number) external view returns (uint32) {
        return Derivation.batch(Derivation.segmentSeed(taskId, blockId, step), BATCH_SIZE, trainCount)[number];
    }

    /// @inheritdoc IPoLRegistry
    function attestationOf(bytes32 blockId, address verifier) external view returns (uint8) {
        return _attestations[blockId][verifier];
    }

    /// @inheritdoc IPoLRegistry
    function isAncestor(bytes32 ancestor, bytes32 descendant) external view returns (bool) {
        require(_tree.blocks[ancestor].status != Status.None, UnknownBlock(ancestor));
        require(_tree.blocks[descendant].status != Status.None, UnknownBlock(descendant));

        return _tree.isAncestor(ancestor, descendant);
    }

    /// @inheritdoc IPoLRegistry
    function blockIdOf(Header calldata header) public view returns (bytes32) {
        return Headers.idOf(taskId, header);
    }

    /// @dev The block's place in the tree follows from its parent's; its status is the life cycle's to write.
    function _insert(bytes32 blockId, Header calldata header, Block storage parent) private returns (uint32 height) {
        height = parent.height + 1;
        uint16 difficulty = parent.childDifficulty;
        Block memory fresh;
        fresh.miner = msg.sender;
        fresh.proposedAt = SafeCast.toUint40(block.timestamp);
        fresh.difficulty = difficulty;
        fresh.parent = header.parent;
        fresh.jump = _tree.jumpFrom(header.parent, height - 1);
        fresh.totalWork = parent.totalWork + Difficulty.work(difficulty);
        fresh.height = height;
        fresh.sequence = _tree.proposals++;
        fresh.slashesSeen = _tree.slashes;
        // nobody searched for genesis: the time since says nothing
        fresh.childDifficulty = height == 1 ? difficulty : _retarget(difficulty, block.timestamp - parent.proposedAt);
        _tree.blocks[blockId].propose(fresh, blockId);
    }

    /// @dev The attester of a slashed block loses its bond to whoever proved it wrong. To nobody where all were silent:
    /// else a miner would sacrifice a right block, and have accomplices demand more of it than its attesters can
    /// answer.
    function _punish(bytes32 blockId, address verifier) private {
        (address first, address prover, bool lapsed) = bounties.winners(blockId);

        emit AttestationSettled(blockId, verifier, Status.Slashed, 0, attestBond);

        vault.forfeit(verifier, Role.Verifier, attestBond, lapsed ? 0 : attestBond / 2, first, prover);
    }

    /// @dev What one of so many timely attesters gets.
    function _attesterReward(uint256 timely) private view returns (uint256) {
        uint256 shared = Math.max(timely, PAID_ATTESTERS);
        return ATTESTER_REWARD * PAID_ATTESTERS ** 2 / shared ** 2; // rounded down: the rest is not minted
    }

    function _checkParent(bytes32 parentId, Status status) private {
        require(status != Status.None, UnknownBlock(parentId));
        require(status <= Status.Finalized, WrongStatus(parentId, Status.Pending, status));
        _tree.requireLive(parentId, type(uint256).max);
    }

    function _checkAccuracy(Header calldata header) private view {
        (uint32 before, uint32 afterwards) = (header.correctBefore, header.correctAfter);
        require(afterwards <= testCount, CountOutOfRange(afterwards, testCount));
        bool perfect = before == testCount && afterwards == testCount;
        require(afterwards > before || perfect, AccuracyNotIncreased(before, afterwards));
    }

    function _checkIndices(Header calldata header) private view {
        uint32[] calldata indices = header.indices;
        require(indices.length == BATCH_SIZE, WrongBatchSize(BATCH_SIZE, indices.length));

        if (RULES == RuleSet.Hardened) _checkDerived(header);
        else _checkDistinct(indices);
    }

    /// @dev Hardened: the seed leaves the miner no choice.
    function _checkDerived(Header calldata header) private view {
        bytes32 seed = Derivation.seed(RULES, taskId, header.parent, header.miner, header.nonce);
        uint32[] memory expected = Derivation.batch(seed, BATCH_SIZE, trainCount);
        for (uint256 i = 0; i < expected.length; ++i) {
            require(header.indices[i] == expected[i], IndexMismatch(i, expected[i], header.indices[i]));
        }
    }

    /// @dev Paper: the miner chooses, but no sample twice.
    function _checkDistinct(uint32[] calldata indices) private view {
        for (uint256 i = 0; i < indices.length; ++i) {
            require(indices[i] < trainCount, IndexOutOfRange(i, indices[i], trainCount));
            for (uint256 j = 0; j < i; ++j) {
                require(indices[j] != indices[i], DuplicateIndex(indices[i]));
            }
        }
    }
}
