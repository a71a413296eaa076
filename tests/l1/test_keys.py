"""Keystores: what is written, who can read it, and what is refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from eth_account import Account
from structlog.testing import capture_logs

from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.keys import find_key, import_key, list_keys, load_key, new_key
from pol_oracle.protocol.errors import InputError

CHEAP = 2  # scrypt's cost; the default takes most of a second
SECRET = "0x" + "11" * 32


def test_new_key_loads_by_name_and_by_address(keys_folder: Path) -> None:
    key = new_key(keys_folder, "miner", "pass word ü", CHEAP)
    for account in ("miner", key.address, key.address.lower()):
        assert load_key(keys_folder, account, "pass word ü").address == key.address


def test_import_keeps_the_key(keys_folder: Path) -> None:
    key = import_key(keys_folder, "a", SECRET + "\n", "pw", CHEAP)
    assert key.address == Account.from_key(SECRET).address
    assert bytes(load_key(keys_folder, "a", "pw").key).hex() == SECRET[2:]


def test_default_cost_is_not_cheap(keys_folder: Path) -> None:
    path = new_key(keys_folder, "a", "pw").path
    assert json.loads(path.read_text())["crypto"]["kdfparams"]["n"] >= 2**17


def test_only_the_owner_can_read_it(keys_folder: Path) -> None:
    path = new_key(keys_folder, "a", "pw", CHEAP).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys_folder.stat().st_mode) == 0o700


def test_the_file_holds_no_secret_in_clear(keys_folder: Path) -> None:
    text = import_key(keys_folder, "a", SECRET, "a password", CHEAP).path.read_text()
    assert SECRET[2:] not in text
    assert "a password" not in text


def test_never_overwrites(keys_folder: Path) -> None:
    key = new_key(keys_folder, "a", "pw", CHEAP)
    before = key.path.read_bytes()
    with pytest.raises(InputError, match="not overwritten"):
        new_key(keys_folder, "a", "other", CHEAP)
    with pytest.raises(InputError, match="not overwritten"):
        import_key(keys_folder, "a", SECRET, "other", CHEAP)
    assert key.path.read_bytes() == before
    assert [p.name for p in keys_folder.iterdir()] == ["a.json"]


def test_one_key_is_not_stored_twice(keys_folder: Path) -> None:
    import_key(keys_folder, "a", SECRET, "pw", CHEAP)
    with pytest.raises(InputError, match="already stored as 'a'"):
        import_key(keys_folder, "b", SECRET, "pw", CHEAP)


def test_list_needs_no_password_and_shows_addresses_only(keys_folder: Path) -> None:
    assert list_keys(keys_folder) == []
    keys = [new_key(keys_folder, name, "pw", CHEAP) for name in ("b", "a")]
    assert list_keys(keys_folder) == sorted(keys, key=lambda key: key.name)


def test_wrong_password(keys_folder: Path) -> None:
    new_key(keys_folder, "a", "pw", CHEAP)
    with pytest.raises(InputError, match="wrong password"):
        load_key(keys_folder, "a", "PW")


def test_unknown_key_names_the_known_ones(keys_folder: Path) -> None:
    new_key(keys_folder, "a", "pw", CHEAP)
    for account in ("b", dev_account(3).address):
        with pytest.raises(InputError, match=r"there: a\)"):
            find_key(keys_folder, account)


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "-a", "a" * 65, "ä", dev_account(0).address])
def test_bad_names(keys_folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="no name"):
        new_key(keys_folder, name, "pw", CHEAP)


def test_empty_password(keys_folder: Path) -> None:
    with pytest.raises(InputError, match="password"):
        new_key(keys_folder, "a", "", CHEAP)


@pytest.mark.parametrize("secret", ["", "0x", "11" * 31, "zz" * 32, "00" * 32, "ff" * 32, "11" * 33])
def test_bad_secrets_are_not_echoed(keys_folder: Path, secret: str) -> None:
    with pytest.raises(InputError, match="no private key") as caught:
        import_key(keys_folder, "a", secret, "pw", CHEAP)
    assert not secret or secret not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 1, "address": "0x%s"}' % ("11" * 20)])
def test_damaged_files_are_named(keys_folder: Path, text: str) -> None:
    path = new_key(keys_folder, "a", "pw", CHEAP).path
    path.write_text(text)
    with pytest.raises(InputError, match=r"a\.json is no keystore"):
        load_key(keys_folder, "a", "pw")


def test_one_bad_file_does_not_hide_the_good_ones(keys_folder: Path) -> None:
    good = new_key(keys_folder, "good", "pw", CHEAP)
    (keys_folder / "bad.json").write_text("{}")
    with capture_logs() as said:
        assert list_keys(keys_folder) == [good]
    assert [entry["log_level"] for entry in said] == ["warning"]
    assert "bad.json is no keystore that can be read here: it has no field 'crypto'; restore it" in said[0]["event"]
    assert load_key(keys_folder, "good", "pw").address == good.address


@pytest.mark.parametrize("field", ["kdf", "kdfparams", "mac", "ciphertext"])
def test_damaged_crypto_is_no_crash(keys_folder: Path, field: str) -> None:
    path = new_key(keys_folder, "a", "pw", CHEAP).path
    content = json.loads(path.read_text())
    del content["crypto"][field]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="damaged") as caught:
        load_key(keys_folder, "a", "pw")
    assert "KeyError" not in str(caught.value)


def test_a_file_under_a_foreign_address_is_refused(keys_folder: Path) -> None:
    path = new_key(keys_folder, "a", "pw", CHEAP).path
    path.write_text(json.dumps(json.loads(path.read_text()) | {"address": dev_account(1).address}))
    with pytest.raises(InputError, match="holds the key of"):
        load_key(keys_folder, "a", "pw")


def test_reads_addresses_as_geth_writes_them(keys_folder: Path) -> None:
    key = new_key(keys_folder, "a", "pw", CHEAP)
    key.path.write_text(json.dumps(json.loads(key.path.read_text()) | {"address": key.address[2:].lower()}))
    assert list_keys(keys_folder)[0].address == key.address


def of_another_tool(folder: Path, name: str, kdf: str, iterations: int, **changes: object) -> Path:
    """A keystore as other tools write it: without an address unless it is given, and by any name."""
    folder.mkdir(exist_ok=True)
    content = dict(Account.encrypt(SECRET, "pw", kdf=kdf, iterations=iterations))  # type: ignore[arg-type]
    del content["address"]
    (folder / name).write_text(json.dumps(content | changes))
    return folder / name


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
@pytest.mark.parametrize("name", ["foundry", "UTC--2026-11-28T10-00-00.000Z--1234", "other.json"])
def test_keystores_of_other_tools_open(keys_folder: Path, kdf: str, name: str) -> None:
    of_another_tool(keys_folder, name, kdf, CHEAP)
    (key,) = list_keys(keys_folder)
    assert (key.name, key.address) == (name.removesuffix(".json"), "")
    assert bytes(load_key(keys_folder, key.name, "pw").key).hex() == SECRET[2:]
    with pytest.raises(InputError, match="wrong password"):
        load_key(keys_folder, key.name, "PW")


def test_fields_in_capitals_are_read(keys_folder: Path) -> None:
    path = of_another_tool(keys_folder, "a.json", "scrypt", CHEAP)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({"Crypto": content["crypto"], "Version": 3, "Address": None}))
    assert load_key(keys_folder, "a", "pw").address == Account.from_key(SECRET).address


def test_key_without_an_address_is_chosen_by_name(keys_folder: Path) -> None:
    of_another_tool(keys_folder, "foundry", "scrypt", CHEAP)
    with pytest.raises(InputError, match="choose those by name"):
        find_key(keys_folder, Account.from_key(SECRET).address)
    with pytest.raises(InputError, match="not overwritten"):
        new_key(keys_folder, "foundry", "pw", CHEAP)


def test_nobody_is_told_to_part_with_a_keystore(keys_folder: Path) -> None:
    path = of_another_tool(keys_folder, "a.json", "scrypt", CHEAP)
    whole = json.loads(path.read_text())
    unknown = whole | {"crypto": whole["crypto"] | {"kdf": "argon2id"}}
    odd = whole | {
        "crypto": whole["crypto"] | {"kdf": "pbkdf2", "kdfparams": {"prf": "cmac", "salt": "", "dklen": 32, "c": 1}}
    }
    texts = [json.dumps(content) for content in (unknown, odd, whole | {"version": 4}, whole | {"crypto": []})]
    for text in (*texts, json.dumps(whole)[:100], '{"crypto": {}}'):
        path.write_text(text)
        with pytest.raises(InputError) as said:
            load_key(keys_folder, "a", "pw")
        assert not any(word in str(said.value) for word in ("remove", "delete"))
    path.write_text(texts[0])
    with pytest.raises(InputError, match=r"argon2id.*pol keys import"):
        load_key(keys_folder, "a", "pw")


def test_other_files_beside_keystores_are_nobodys_mistake(keys_folder: Path) -> None:
    good = new_key(keys_folder, "a", "pw", CHEAP)
    (keys_folder / "README").write_text("my keys")
    (keys_folder / ".DS_Store").write_bytes(bytes(range(256)))
    (keys_folder / "old").mkdir()
    with capture_logs() as said:
        assert list_keys(keys_folder) == [good]
    assert said == []


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="could not be stored"):
        new_key(tmp_path / "file" / "keys", "a", "pw", CHEAP)


def test_a_keystore_of_another_tool_is_taken_by_its_path(tmp_path: Path) -> None:
    """Foundry's lie in ~/.foundry/keystores without a suffix, Geth's in ~/.ethereum/keystore."""
    made = new_key(tmp_path / "ours", "alice", "pw", CHEAP)
    elsewhere = tmp_path / "foundry" / "bob"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(made.path.read_bytes())

    assert find_key(tmp_path / "none", str(elsewhere)).address == made.address
    assert load_key(tmp_path / "none", str(elsewhere), "pw").address == made.address
    with pytest.raises(InputError, match="no key"):
        find_key(tmp_path / "none", str(tmp_path / "foundry" / "carol"))
