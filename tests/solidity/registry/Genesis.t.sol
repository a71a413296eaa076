// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {LearnToken} from "../../../contracts/LearnToken.sol";
import {Derivation} from "../../../contracts/lib/Derivation.sol";
import {Difficulty} from "../../../contracts/lib/Difficulty.sol";
import {PoLRegistry} from "../../../contracts/PoLRegistry.sol";
import {Block, Parameters, RuleSet, Status, Task} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice What is fixed at genesis, and the token.
contract GenesisTest is Fixture {
    function test_genesis_block_is_head_and_final() public view {
        bytes32 genesis = registry.genesisId();
        Block memory stored = registry.blocks(genesis);
        assertEq(registry.head(), genesis, "head");
        assertEq(registry.finalizedTip(), genesis, "tip");
        assertTrue(stored.status == Status.Finalized, "status");
        assertEq(stored.height + stored.totalWork + stored.sequence, 0, "all zero");
    }

    /// Pitfall 16: what is read back is what was given, field by field.
    /// forge-config: default.fuzz.runs = 32
    function test_pitfall_16_task_and_parameters_are_kept_as_given(uint256 seed) public {
        Task memory task;
        task.rules = RuleSet(seed % 2);
        task.batchSize = uint32(bound(pick(seed, 0), 1, 64));
        task.trainCount = uint32(bound(pick(seed, 1), 64, type(uint32).max));
        task.testCount = uint32(pick(seed, 2) % ((1 << 18) + 1));
        bool paper = task.rules == RuleSet.Paper;
        task.trainingSteps = paper ? 0 : uint32(bound(pick(seed, 3), 1, 2048));
        task.maskSize = paper ? 1 : uint8(bound(pick(seed, 11), 1, 64));
        task.learningRate = uint32(pick(seed, 4));
        task.eligibleCount = uint64(bound(pick(seed, 5), 64, 1 << 31));
        task.eligibleHash = bytes32(pick(seed, 6));
        task.programRoot = bytes32(pick(seed, 7));
        task.trainRoot = bytes32(pick(seed, 8));
        task.testRoot = bytes32(pick(seed, 9));
        task.initialRoot = bytes32(pick(seed, 10));
        Parameters memory parameters = randomParameters(seed);

        deploy(task, parameters);
        assertEq(keccak256(abi.encode(registry.task())), keccak256(abi.encode(task)), "task");
        assertEq(registry.trainCount(), task.trainCount, "train count");
        assertEq(registry.testCount(), task.testCount, "test count");
        assertEq(registry.trainingSteps(), task.trainingSteps, "training steps");
        assertEq(registry.initialRoot(), task.initialRoot, "initial root");
        assertEq(registry.programRoot(), task.programRoot, "program root");
        assertEq(registry.trainRoot(), task.trainRoot, "train root");
        assertEq(registry.testRoot(), task.testRoot, "test root");
        assertEq(keccak256(abi.encode(registry.parameters())), keccak256(abi.encode(parameters)), "parameters");
    }

    /// Pitfall 16: what could change a parameter, an owner or the code does not exist.
    function test_pitfall_16_no_setter_owner_or_upgrade() public {
        string[14] memory absent = [
            "owner()",
            "admin()",
            "transferOwnership(address)",
            "renounceOwnership()",
            "upgradeTo(address)",
            "upgradeToAndCall(address,bytes)",
            "initialize()",
            "pause()",
            "unpause()",
            "setParameters((uint32,uint32,uint32,uint32,uint16,uint16,uint16,uint32,uint32,uint96,uint96,uint96,uint128,uint128))",
            "setQuorum(uint32)",
            "setChallengeWindow(uint32)",
            "setMinerBond(uint96)",
            "setDifficulty(uint16)"
        ];
        address[6] memory all = [
            address(registry),
            address(vault),
            address(bounties),
            address(demands),
            address(explanations),
            address(token)
        ];
        for (uint256 i = 0; i < all.length; ++i) {
            for (uint256 j = 0; j < absent.length; ++j) {
                (bool ok,) = all[i].call(abi.encodePacked(bytes4(keccak256(bytes(absent[j]))), new bytes(320)));
                assertTrue(!ok, absent[j]);
            }
        }
    }

    function test_underivable_rules_are_refused_at_birth() public {
        Task memory task = defaultTask(RuleSet.Hardened);
        Parameters memory parameters = defaultParameters();
        task.batchSize = 8193;
        vm.expectRevert(abi.encodeWithSelector(Derivation.CannotDraw.selector, 8193, 8192));
        new PoLRegistry(task, parameters, vault, token, bounties, demands, explanations);

        task.batchSize = 4;
        parameters.maxDifficulty = 26 * 1024 + 1; // 27 requirements at times
        vm.expectRevert(abi.encodeWithSelector(Derivation.CannotDraw.selector, 27, 52));
        new PoLRegistry(task, parameters, vault, token, bounties, demands, explanations);
        parameters.maxDifficulty = 26 * 1024;
        new PoLRegistry(task, parameters, vault, token, bounties, demands, explanations);
    }

    function test_difficulty_out_of_bounds_is_refused_at_birth() public {
        Parameters memory parameters = defaultParameters();
        uint16[3][3] memory wrong = [[5000, 4999, 6000], [5000, 6001, 6000], [5001, 5000, 5000]];
        for (uint256 i = 0; i < wrong.length; ++i) {
            (parameters.minDifficulty, parameters.difficulty, parameters.maxDifficulty) =
            (wrong[i][0], wrong[i][1], wrong[i][2]);
            refuse(
                parameters,
                abi.encodeWithSelector(
                    IPoLRegistry.DifficultyOutOfBounds.selector, wrong[i][0], wrong[i][1], wrong[i][2]
                )
            );
        }
        (parameters.minDifficulty, parameters.difficulty) = (5000, 5000);
        parameters.maxDifficulty = 63 * 1024 + 1;
        refuse(parameters, abi.encodeWithSelector(Difficulty.DifficultyOutOfRange.selector, 64_513, 64_512));
    }

    function test_retargeting_without_a_half_life_is_refused_at_birth() public {
        Parameters memory parameters = defaultParameters();
        parameters.targetInterval = 60;
        refuse(parameters, abi.encodeWithSelector(IPoLRegistry.ZeroHalfLife.selector, uint32(60)));
        parameters.halfLife = 1;
        deploy(defaultTask(RuleSet.Hardened), parameters);
    }

    /// Pitfall 11: without a window nobody could challenge, claim a bounty or answer in time.
    function test_pitfall_11_zero_windows_are_refused_at_birth() public {
        for (uint256 which = 0; which < 3; ++which) {
            Parameters memory parameters = defaultParameters();
            if (which == 0) parameters.challengeWindow = 0;
            if (which == 1) parameters.revealWindow = 0;
            if (which == 2) parameters.answerWindow = 0;
            vm.expectRevert(
                abi.encodeWithSelector(
                    IPoLRegistry.ZeroWindow.selector,
                    parameters.challengeWindow,
                    parameters.revealWindow,
                    parameters.answerWindow
                )
            );
            new PoLRegistry(defaultTask(RuleSet.Hardened), parameters, vault, token, bounties, demands, explanations);
        }
    }

    /// Pitfall 9: the bits of more samples would not fit one answer.
    function test_pitfall_09_too_many_test_samples_are_refused_at_birth() public {
        Task memory task = defaultTask(RuleSet.Hardened);
        task.testCount = (1 << 18) + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IPoLRegistry.TooManyTestSamples.selector, task.testCount, uint32(1 << 18))
        );
        new PoLRegistry(task, defaultParameters(), vault, token, bounties, demands, explanations);
        task.testCount = 1 << 18;
        new PoLRegistry(task, defaultParameters(), vault, token, bounties, demands, explanations);
    }

    /// Pitfall 9: nor would the hashes of more steps; and W is either the chain's or the miner's.
    function test_pitfall_09_segments_that_do_not_fit_the_rules_are_refused_at_birth() public {
        refuseSteps(RuleSet.Hardened, 0, 2048);
        refuseSteps(RuleSet.Hardened, 2049, 2048);
        refuseSteps(RuleSet.Paper, 1, 0);
        Task memory task = defaultTask(RuleSet.Hardened);
        task.trainingSteps = 2048;
        new PoLRegistry(task, defaultParameters(), vault, token, bounties, demands, explanations);
    }

    function test_masks_that_fit_no_leaf_are_refused_at_birth() public {
        refuseMask(RuleSet.Hardened, 0, 64);
        refuseMask(RuleSet.Hardened, 65, 64);
        refuseMask(RuleSet.Paper, 0, 1);
        refuseMask(RuleSet.Paper, 2, 1);
        Task memory task = defaultTask(RuleSet.Hardened);
        task.maskSize = 64;
        new PoLRegistry(task, defaultParameters(), vault, token, bounties, demands, explanations);
    }

    function test_only_the_registry_mints(address sender) public {
        vm.assume(sender != address(registry));
        vm.expectRevert(abi.encodeWithSelector(LearnToken.NotRegistry.selector, sender));
        vm.prank(sender);
        token.mint(sender, 1);
    }

    function test_contracts_know_each_other() public view {
        assertEq(token.registry(), address(registry), "token");
        assertEq(vault.registry(), address(registry), "vault registry");
        assertEq(vault.demands(), address(demands), "vault demands");
        assertEq(vault.explanations(), address(explanations), "vault explanations");
        assertEq(address(bounties.registry()), address(registry), "bounties registry");
        assertEq(bounties.court(), address(court), "bounties court");
        assertEq(bounties.demands(), address(demands), "bounties demands");
        assertEq(bounties.explanations(), address(explanations), "bounties explanations");
        assertEq(address(demands.registry()), address(registry), "demands registry");
        assertEq(address(demands.vault()), address(vault), "demands vault");
        assertEq(address(demands.bounties()), address(bounties), "demands bounties");
        assertEq(address(demands.explanations()), address(explanations), "demands explanations");
        assertEq(demands.reveals(), address(reveals), "demands reveals");
        assertEq(address(reveals.registry()), address(registry), "reveals registry");
        assertEq(address(reveals.demands()), address(demands), "reveals demands");
        assertEq(address(reveals.explanations()), address(explanations), "reveals explanations");
        assertEq(address(explanations.registry()), address(registry), "explanations registry");
        assertEq(address(explanations.vault()), address(vault), "explanations vault");
        assertEq(address(explanations.bounties()), address(bounties), "explanations bounties");
        assertEq(address(explanations.demands()), address(demands), "explanations demands");
        assertEq(explanations.court(), address(court), "explanations court");
        assertEq(address(registry.bounties()), address(bounties), "registry bounties");
        assertEq(address(registry.demands()), address(demands), "registry demands");
        assertEq(address(registry.explanations()), address(explanations), "registry explanations");
    }

    /// The miner pays its attesters out of its own reward, so that must be enough.
    function test_a_reward_too_small_for_forty_attesters_is_refused_at_birth() public {
        Parameters memory parameters = defaultParameters();
        (parameters.minerReward, parameters.attesterReward) = (399, 10);
        refuse(parameters, abi.encodeWithSelector(IPoLRegistry.RewardTooSmall.selector, 399, 400));
    }

    function randomParameters(uint256 seed) internal pure returns (Parameters memory parameters) {
        parameters.challengeWindow = uint32(pick(seed, 20));
        parameters.revealWindow = uint32(pick(seed, 21));
        parameters.answerWindow = uint32(pick(seed, 22));
        parameters.quorum = uint32(pick(seed, 23));
        parameters.maxDifficulty = uint16(pick(seed, 24) % (63 * 1024 + 1));
        parameters.difficulty = uint16(pick(seed, 30) % (uint256(parameters.maxDifficulty) + 1));
        parameters.minDifficulty = uint16(pick(seed, 31) % (uint256(parameters.difficulty) + 1));
        parameters.targetInterval = uint32(pick(seed, 32));
        parameters.halfLife = uint32(bound(pick(seed, 33), 1, type(uint32).max));
        parameters.minerBond = uint96(pick(seed, 25));
        parameters.attestBond = uint96(pick(seed, 26));
        parameters.demandFee = uint96(pick(seed, 27));
        parameters.minerReward = uint128(pick(seed, 28));
        parameters.attesterReward = uint128(pick(seed, 29) % (uint256(parameters.minerReward) / 40 + 1));
    }

    function refuse(Parameters memory parameters, bytes memory reason) internal {
        Task memory task = defaultTask(RuleSet.Hardened);
        vm.expectRevert(reason);
        new PoLRegistry(task, parameters, vault, token, bounties, demands, explanations);
    }

    function refuseSteps(RuleSet rules, uint32 steps, uint32 most) internal {
        Task memory task = defaultTask(rules);
        task.trainingSteps = steps;
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.TrainingStepsOutOfRange.selector, steps, most));
        new PoLRegistry(task, defaultParameters(), vault, token, bounties, demands, explanations);
    }

    function refuseMask(RuleSet rules, uint8 size, uint8 most) internal {
        Task memory task = defaultTask(rules);
        task.maskSize = size;
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.MaskSizeOutOfRange.selector, size, most));
        new PoLRegistry(task, defaultParameters(), vault, token, bounties, demands, explanations);
    }

    function pick(uint256 seed, uint256 field) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, field)));
    }
}
