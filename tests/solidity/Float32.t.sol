// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Float32} from "../../contracts/lib/Float32.sol";
import {Fixture} from "./Fixture.sol";

contract Float32Test is Fixture {
    event Gas(string name, uint256 gas);

    function setUp() public override {}

    function test_gas() public {
        uint256 a = 0x3fa66666 + block.number;
        uint256 b = 0xbf99999a + block.number;
        uint256 z;
        uint256 g = gasleft();
        z = Float32.add(a, b);
        emit Gas("add", g - gasleft());
        g = gasleft();
        z += Float32.mul(a, b);
        emit Gas("mul", g - gasleft());
        g = gasleft();
        z += Float32.div(a, b);
        emit Gas("div", g - gasleft());
        g = gasleft();
        z += Float32.sqrt(a);
        emit Gas("sqrt", g - gasleft());
        g = gasleft();
        z += Float32.exp(a);
        emit Gas("exp", g - gasleft());
        emit Gas("z", z);
    }
}
