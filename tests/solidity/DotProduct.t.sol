// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Float32} from "../../contracts/lib/Float32.sol";
import {DotProduct} from "../../contracts/lib/DotProduct.sol";
import {Fixture} from "./Fixture.sol";

contract DotProductTest is Fixture {
    event Gas(string name, uint256 gas);

    function setUp() public override {}

    function test_gas() public {
        uint256[] memory a = new uint256[](72);
        uint256[] memory b = new uint256[](72);
        for (uint256 i; i<72;++i) {
            for (uint256 j; j < 8; ++j) {
                a[i] = (a[i] << 32) | (uint256(keccak256(abi.encode(i, j)))& 0x80ffffff) + 0x3f000000;
                b[i] = (b[i] << 32) | (uint256(keccak256(abi.encode(i, j, i)))& 0x80ffffff)+0x3e000000;
            }
        }
        uint256 z;
        uint256 g = gasleft();
        z = DotProduct.dot(a, b);
        emit Gas("dot", (g - gasleft()) / 576);
        uint256 t;
        g = gasleft();
        for (uint256 i; i<72;) {
            uint256 s;
        for (uint256 k; k<8 && i<72;++k) {
             s= DotProduct._addPlain(s, a[i], b[i]);
             ++i;
         }
         t=Float32.add(t,s);
        }
        emit Gas("plain", (g - gasleft()) / 576);
        emit Gas("plain", z);
        emit Gas("plain", t);
    }
}
