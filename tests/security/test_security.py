"""Secrets: passwords that are hashed a few at a time, and tokens that open in their place alone."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from openalgo_store import ConfigurationError, InvalidInput, Settings
from openalgo_store.security import passwords
from openalgo_store.security.cipher import TokenCipher, key_id
from openalgo_store.security.passwords import hash_password, is_outdated, verify_password
from openalgo_store.security.secrets import Secrets, new_api_key

PLACE = (7, "zerodha", "access_token")
OLD, NEW = "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZC0=", Fernet.generate_key().decode()
"""Two Fernet keys."""


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> PasswordHasher:
    """A hasher that takes no time, in use."""
    hasher = PasswordHasher.from_parameters(CHEAPEST)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    return hasher


# Passwords


def test_a_password_is_hashed_with_argon2id_and_64_mib() -> None:
    hashed = hash_password("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert len(hashed) <= 255
    assert verify_password("correct horse", hashed)
    assert not is_outdated(hashed)


@pytest.mark.parametrize("password", ["", " ", "पासवर्ड", "🔑" * 40, "a\0b", "x" * 100_000])
def test_any_text_can_be_a_password(cheap: PasswordHasher, password: str) -> None:
    hashed = hash_password(password)
    assert verify_password(password, hashed)
    assert not verify_password(password + " ", hashed)
    assert password in {"", " "} or password not in hashed


def test_equal_passwords_have_different_hashes(cheap: PasswordHasher) -> None:
    assert hash_password("correct horse") != hash_password("correct horse")


@pytest.mark.parametrize("hashed", ["", "correct horse", "$argon2id$", "$argon2id$v=19$m=8$x$y"])
def test_nothing_opens_what_is_no_hash(cheap: PasswordHasher, hashed: str) -> None:
    assert not verify_password("correct horse", hashed)
    assert not verify_password(hashed, hashed)


def test_nothing_opens_a_stored_hash_that_is_no_text(cheap: PasswordHasher) -> None:
    assert not verify_password("correct horse", "$argon2id$v=19$m=8,t=1,p=1$\udc80$\udc80")


def test_a_password_that_is_no_text_is_refused_without_being_shown(cheap: PasswordHasher) -> None:
    hashed = hash_password("correct horse")
    for refuse in (hash_password, lambda password: verify_password(password, hashed)):
        with pytest.raises(InvalidInput, match="lone surrogate") as raised:
            refuse("correct\udc80horse")
        assert "horse" not in repr(raised.value)


def test_a_hash_of_other_parameters_is_outdated_but_still_opens(cheap: PasswordHasher) -> None:
    other = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("correct horse")
    assert is_outdated(other)
    assert verify_password("correct horse", other)
    assert not is_outdated(hash_password("correct horse"))


class MeetingHasher(PasswordHasher):
    """Four must be inside at once for anyone to come out; remembers how many there were."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.four = threading.Barrier(4, timeout=30)
        self.mutex = threading.Lock()
        self.inside = self.most = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:
        with self.mutex:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.four.wait()
        with self.mutex:
            self.inside -= 1
        return super().verify(hash, password)


def test_four_hashes_run_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = MeetingHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    hashed = hash_password("correct horse")
    with ThreadPoolExecutor(16) as pool:
        found = pool.map(lambda number: verify_password(f"wrong {number}", hashed), range(48))
        assert not any(found)
    assert hasher.most == 4


# The secrets of the settings


@pytest.mark.parametrize("pepper", ["", "short pepper", "x" * 31])
def test_a_missing_or_short_pepper_is_told_by_its_variable(pepper: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^API_KEY_PEPPER .*openalgo-store init"
    ) as raised:
        Secrets(Settings(api_key_pepper=pepper)).digest("a key")
    assert not pepper or pepper not in str(raised.value)


@pytest.mark.parametrize("keys", ["", " ", ",", " , "])
def test_missing_encryption_keys_are_told_by_their_variable(keys: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^TOKEN_ENCRYPTION_KEYS is not set"):
        _ = Secrets(Settings(token_encryption_keys=keys)).cipher


@pytest.mark.parametrize("bad", ["no key at all", OLD[:-8], "A" * 44, "schlüssel" * 5, ""])
def test_a_key_that_is_none_is_told_by_its_place_and_not_shown(bad: str) -> None:
    with pytest.raises(ConfigurationError, match=r"TOKEN_ENCRYPTION_KEYS: key 2 of 2") as raised:
        _ = Secrets(Settings(token_encryption_keys=f"{NEW},{bad}")).cipher
    assert NEW not in str(raised.value)
    assert not bad or bad not in str(raised.value)


def test_blanks_around_keys_do_no_harm() -> None:
    assert Secrets(Settings(token_encryption_keys=f" {NEW} ,\t{OLD}\n")).cipher.key_ids == [
        key_id(NEW),
        key_id(OLD),
    ]


def test_a_digest_depends_on_the_key_and_on_the_pepper_and_shows_neither() -> None:
    secrets = Secrets(Settings(api_key_pepper="p" * 32))
    digest = secrets.digest("a key")
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert digest == secrets.digest("a key")
    assert digest != secrets.digest("A key")
    assert digest != Secrets(Settings(api_key_pepper="q" * 32)).digest("a key")
    assert secrets.digest("\ud800") != secrets.digest("\udfff")  # odd keys are only unknown ones
    assert "ppp" not in repr(secrets)


def test_an_api_key_is_recognised_as_one_and_holds_256_bits() -> None:
    keys = {new_api_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"openalgo_[\w-]{43}", each) for each in keys)


# The cipher of broker tokens


@given(st.text(), st.integers(-(2**63), 2**63 - 1), st.text(), st.text())
def test_any_token_opens_in_its_own_place(
    token: str, user_id: int, broker: str, column: str
) -> None:
    cipher = TokenCipher([NEW])
    sealed = cipher.seal(token, user_id, broker, column)
    assert cipher.open(sealed, cipher.newest, user_id, broker, column) == token


def test_what_is_sealed_is_ascii_and_different_each_time() -> None:
    cipher = TokenCipher([NEW])
    sealed = [cipher.seal("a token", *PLACE) for _ in range(2)]
    assert sealed[0] != sealed[1]
    assert all(each.isascii() and "token" not in each for each in sealed)


@pytest.mark.parametrize(
    "other",
    [
        (8, "zerodha", "access_token"),
        (7, "angel", "access_token"),
        (7, "zerodha", "refresh_token"),
        ("7", "zerodha", "access_token"),
    ],
)
def test_a_value_that_was_copied_to_another_place_does_not_open(other: Any) -> None:
    cipher = TokenCipher([NEW])
    sealed = cipher.seal("a token", *PLACE)
    with pytest.raises(InvalidInput, match="moved here from another row") as raised:
        cipher.open(sealed, cipher.newest, *other)
    assert "a token" not in str(raised.value)
    assert sealed not in str(raised.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: "",
        lambda sealed: "a token",
        lambda sealed: sealed[:-5],
        lambda sealed: sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:],
        lambda sealed: Fernet(OLD).encrypt(b'[7,"zerodha","access_token","a token"]').decode(),
        lambda sealed: Fernet(NEW).encrypt(b"a token").decode(),
        lambda sealed: Fernet(NEW).encrypt(b"[]").decode(),
        lambda sealed: "tökén",
    ],
)
def test_a_damaged_value_says_so(damage: Any) -> None:
    cipher = TokenCipher([NEW])
    with pytest.raises(InvalidInput, match="access_token of user 7 at zerodha is damaged"):
        cipher.open(damage(cipher.seal("a token", *PLACE)), cipher.newest, *PLACE)


def test_the_newest_key_seals_and_the_older_ones_open() -> None:
    before, beside, after = TokenCipher([OLD]), TokenCipher([OLD, NEW]), TokenCipher([NEW, OLD])
    assert (before.newest, beside.newest, after.newest) == (key_id(OLD), key_id(OLD), key_id(NEW))
    assert after.key_ids == [key_id(NEW), key_id(OLD)]
    for writer in (before, beside, after):
        sealed = writer.seal("a token", *PLACE)
        for reader in (beside, after):
            assert reader.open(sealed, writer.newest, *PLACE) == "a token"


@pytest.mark.parametrize("unknown", [key_id(OLD), "", None])
def test_a_key_that_is_no_longer_there_is_named(unknown: str | None) -> None:
    sealed = TokenCipher([OLD]).seal("a token", *PLACE)
    with pytest.raises(ConfigurationError, match=r"^TOKEN_ENCRYPTION_KEYS lacks the key") as raised:
        TokenCipher([NEW]).open(sealed, unknown, *PLACE)
    assert str(unknown) in str(raised.value)
    assert OLD not in str(raised.value)


def test_the_name_of_a_key_is_eight_digits_that_do_not_tell_it() -> None:
    assert re.fullmatch("[0-9a-f]{8}", key_id(NEW))
    assert key_id(NEW) == key_id(NEW) != key_id(OLD)


def test_no_repr_shows_a_secret() -> None:
    secrets = Secrets(Settings(api_key_pepper="p" * 32, token_encryption_keys=NEW))
    for each in (secrets, secrets.cipher, secrets._settings):
        assert "ppp" not in repr(each)
        assert NEW not in repr(each)
