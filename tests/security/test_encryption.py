"""Encryption: a text is read with the same key, for the same row, as what it is, and otherwise not at all."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authapp.security.encryption import CannotDecrypt, Cipher
from authapp.security.keys import derive

SECRET = "a-secret-for-tests-that-is-long-enough"
ADA, GRACE = UUID(int=1), UUID(int=2)
PURPOSE = "totp secret"
cipher = Cipher(SECRET)


@pytest.mark.parametrize("text", ["F47VAZSO3I2U2HFVR3E2ZBZGUHCDRMY6", "", "ß日本語👩‍🔬", "x" * 100_000])
@pytest.mark.parametrize("purpose", ["", PURPOSE])
def test_an_encrypted_text_is_decrypted_for_the_same_row_and_purpose(text: str, purpose: str) -> None:
    encrypted = cipher.encrypt(text, ADA, purpose)
    assert Cipher(SECRET).decrypt(encrypted, ADA, purpose) == text
    assert not text or text.encode() not in encrypted
    assert encrypted != cipher.encrypt(text, ADA, purpose)


def test_an_encrypted_secret_of_another_key_account_or_purpose_cannot_be_decrypted() -> None:
    encrypted = cipher.encrypt("F47VAZSO3I2U2HFVR3E2ZBZGUHCDRMY6", ADA, PURPOSE)
    for other, owner_id, purpose in (
        (Cipher(SECRET + "x"), ADA, PURPOSE),
        (cipher, GRACE, PURPOSE),
        (cipher, ADA, ""),
        (cipher, ADA, "totp secre"),
        (cipher, ADA, "totp secrets"),
    ):
        with pytest.raises(CannotDecrypt):
            other.decrypt(encrypted, owner_id, purpose)


def test_the_encrypted_body_of_an_email_is_no_encrypted_totp_secret() -> None:
    with pytest.raises(CannotDecrypt):
        cipher.decrypt(cipher.encrypt("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", ADA), ADA, PURPOSE)


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 11, 12, 13, 27, 28, -1])
def test_an_encrypted_text_that_was_cut_off_cannot_be_decrypted(kept: int) -> None:
    with pytest.raises(CannotDecrypt):
        cipher.decrypt(cipher.encrypt("secret", ADA)[:kept], ADA)


def test_every_altered_byte_of_an_encrypted_text_is_noticed() -> None:
    encrypted = cipher.encrypt("secret", ADA, PURPOSE)
    for place in range(len(encrypted)):
        altered = bytearray(encrypted)
        altered[place] ^= 1
        with pytest.raises(CannotDecrypt):
            cipher.decrypt(bytes(altered), ADA, PURPOSE)


def test_an_email_that_was_encrypted_before_purposes_is_still_decrypted() -> None:
    nonce = bytes(12)
    earlier = nonce + AESGCM(derive(SECRET, "sealing")).encrypt(nonce, b'{"subject": "Hello"}', ADA.bytes)
    assert cipher.decrypt(earlier, ADA) == '{"subject": "Hello"}'


def test_the_key_id_names_the_key_and_is_no_part_of_it() -> None:
    assert re.fullmatch("[0-9a-f]{8}", cipher.key_id)
    assert cipher.key_id == Cipher(SECRET).key_id != Cipher(SECRET + "x").key_id
    assert cipher.key_id == "a63fd274"  # rows have it
    assert cipher.key_id not in derive(SECRET, "sealing").hex()
