// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What forge recorded of one call; under isolation the call is a whole transaction.
struct CallGas {
    uint64 gasLimit;
    uint64 gasTotalUsed;
    uint64 gasMemoryUsed;
    int64 gasRefunded;
    uint64 gasRemaining;
}

/// @notice The few cheat codes of forge that the tests use; forge-std has no official npm package.
interface Vm {
    function prank(address) external;
    function startPrank(address) external;
    function stopPrank() external;
    function deal(address, uint256) external;
    function warp(uint256) external;
    function roll(uint256) external;
    function chainId(uint256) external;
    function getNonce(address) external view returns (uint64);
    function computeCreateAddress(address, uint256) external pure returns (address);
    function expectRevert() external;
    function expectRevert(bytes4) external;
    function expectRevert(bytes calldata) external;
    function expectPartialRevert(bytes4) external;
    function expectEmit(address) external;
    function assume(bool) external pure;
    function assertTrue(bool, string calldata) external pure;
    function assertEq(uint256, uint256, string calldata) external pure;
    function assertEq(bytes32, bytes32, string calldata) external pure;
    function assertEq(address, address, string calldata) external pure;
    function assertEq(bytes calldata, bytes calldata, string calldata) external pure;
    function readFile(string calldata) external view returns (string memory);
    function parseJsonType(string calldata, string calldata, string calldata) external view returns (bytes memory);
    function parseJsonTypeArray(string calldata, string calldata, string calldata) external view returns (bytes memory);
    function parseJsonUint(string calldata, string calldata) external pure returns (uint256);
    function parseJsonUintArray(string calldata, string calldata) external pure returns (uint256[] memory);
    function parseJsonBytes32(string calldata, string calldata) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata, string calldata) external pure returns (bytes32[] memory);
    function parseJsonBytes(string calldata, string calldata) external pure returns (bytes memory);
    function parseJsonAddress(string calldata, string calldata) external pure returns (address);
    function toString(uint256) external pure returns (string memory);
    function lastCallGas() external view returns (CallGas memory);
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
