"""Password hashes of other systems: read, bounded, stored in one form, and checked as those systems check them."""

from __future__ import annotations

import base64
import re

import bcrypt
import pytest
from werkzeug.security import generate_password_hash

from authapp.security import foreign_hashes, imported_hashes
from authapp.security.foreign_hashes import LONGEST, UnusableHash
from tests.factories import PASSWORD

SIGNER_KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
FIREBASE = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
SALT, DIGEST = "c2FsdHNhbHQ", "A" * 43  # base64 of 8 and of 32 bytes
BCRYPT = "$2b$05$4hJoATKsJybyn.MvIEXT8OA0eiSJ2.Pp.bVcy3AGFBQz.MSeGPuVW"
# Made by the reference implementations: Django 5.2, argon2-cffi 25.1, bcrypt 5.0, and Firebase's own published example.
MADE = {
    "Django PBKDF2": "pbkdf2_sha256$200000$saltsaltsaltsaltsalt12$xz1DaDpPmf95GIsY502N/Tf52NrqBobBjYVZnm9n+44=",
    "Django PBKDF2 with SHA-1": "pbkdf2_sha1$200000$saltsaltsaltsaltsalt12$+777NANizMKq3WwJSSeFFVr0bHc=",
    "Django Argon2": "argon2$argon2id$v=19$m=102400,t=2,p=8$b2lERFpURTZ3QURINlF2cEhkOE00cg"
    "$6HP4I3MLXQzbZdLxMrZI9h850Rvn2E8lrRqAHNQyYYY",
    "Django scrypt": "scrypt$16384$uG9Nvs6smopH9N1JlUN1Il$8$5"
    "$YZWayGYiaHx6gH6JdqSPl8gR4EPl+OFzaQMsAyWNgPkuvzS4OoyCHgB/7BSBu7DV2hoq3hCHpCKGmEHAQbWBJw==",
    "Django bcrypt over SHA-256": "bcrypt_sha256$$2b$05$Dr7fLOtkq9YFNsudRAj0e.NCc0uAsU/Pp8Nw7CAZbe/M1/g/yIhPW",
    "Django bcrypt": f"bcrypt${BCRYPT}",
    "bcrypt 2a": "$2a$04$/uDPxvbKI67kjlahd20ss.eRJEzz0XfqMqTqBPC2IHA/vyOHnyZCW",
    "bcrypt 2b": "$2b$04$RKQgIs9DelwQ7OS4JGwpDO9YgtOTTGXwJiz/89zRs68IkP5wI7rjS",
    "bcrypt 2y": "$2y$04$RKQgIs9DelwQ7OS4JGwpDO9YgtOTTGXwJiz/89zRs68IkP5wI7rjS",
    "Argon2id": "$argon2id$v=19$m=65536,t=3,p=4$6wtE7K4qWDLDWB/+C8zkXQ$fy7kobZY1kpS/aZLjiNmTCADkcVcHIh6qsj6E9bXA4I",
    "Werkzeug scrypt": generate_password_hash(PASSWORD),
    "Werkzeug PBKDF2": generate_password_hash(PASSWORD, "pbkdf2:sha256:100000"),
    "Werkzeug PBKDF2 with SHA-512": generate_password_hash(PASSWORD, "pbkdf2:sha512:100000"),
}
FBSCRYPT = f"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={SIGNER_KEY}$42xEC+ixf3L2lw==${FIREBASE}"


def matches(foreign: str, password: str) -> bool:
    """Whether the hash has this password, once it was stored and read again."""
    stored = foreign_hashes.read(foreign).stored
    assert len(stored) <= 128  # the column
    found = imported_hashes.read(stored)
    assert found is not None
    return found.matches(password)


@pytest.mark.parametrize("foreign", MADE.values(), ids=MADE.keys())
def test_the_password_of_a_reference_implementation_is_right_and_no_other(foreign: str) -> None:
    assert matches(foreign, PASSWORD)
    assert not matches(foreign, PASSWORD + "x")


def test_the_published_example_of_firebase_has_its_password_and_its_signer_key_is_not_stored() -> None:
    assert matches(FBSCRYPT, "user1password")
    assert not matches(FBSCRYPT, "user2password")
    assert SIGNER_KEY[:20] not in foreign_hashes.read(FBSCRYPT).stored
    url_safe = FBSCRYPT.replace("+", "-").replace("/", "_").replace("=$", "$")
    assert foreign_hashes.read(url_safe) == foreign_hashes.read(FBSCRYPT)


def test_a_password_in_another_script_is_utf_8() -> None:
    foreign = "$argon2id$v=19$m=19456,t=2,p=1$e3cDnU1SFDRmbaFxetEK0A$62g7BnrxXWAMWOLCO/Hhd7vGt0voVMp5fsMcEUU73Lo"
    assert matches(foreign, "пароль-пароль-1")


def test_bcrypt_of_another_system_ignores_what_follows_72_bytes() -> None:
    foreign = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert matches(foreign, "x" * 1024)
    assert not matches(foreign, "x" * 71)


@pytest.mark.parametrize("n", [14, 20])
def test_the_longest_hash_fits_into_its_column(n: int) -> None:
    salt = base64.b64encode(b"s" * 39).decode()
    foreign = FBSCRYPT.replace("42xEC+ixf3L2lw==", salt).replace("n=14,r=8", f"n={n},r=2")
    assert len(foreign_hashes.read(foreign).stored) in (126, 128)


def pbkdf2(iterations: object = 100_000, salt: str = "salt", digest: str = DIGEST) -> str:
    return f"pbkdf2_sha256${iterations}${salt}${digest}"


def argon2(parameters: str = "m=65536,t=3,p=4", salt: str = SALT, digest: str = DIGEST) -> str:
    return f"$argon2id$v=19${parameters}${salt}${digest}"


def scrypt(n: int, r: int, p: int) -> str:
    return f"scrypt:{n}:{r}:{p}$salt${'ab' * 64}"


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        PASSWORD,
        "x" * (LONGEST + 1),
        "!" + "$" * 900,
        # another algorithm, version or variant
        "md5$salt$" + "ab" * 16,
        "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
        "$2x$05$4hJoATKsJybyn.MvIEXT8OA0eiSJ2.Pp.bVcy3AGFBQz.MSeGPuVW",
        argon2().replace("argon2id", "argon2i"),
        argon2().replace("v=19", "v=16"),
        f"pbkdf2_md5$100000$salt${DIGEST}",
        FBSCRYPT.replace("p=1", "p=2"),
        foreign_hashes.read(BCRYPT).stored,  # ours
        # truncated
        BCRYPT[:-1],
        pbkdf2(digest=""),
        pbkdf2(digest="A" * 20),  # fewer than 16 bytes
        argon2(digest="A" * 20),
        argon2(salt="c2FsdA"),  # 4 bytes
        argon2().rpartition("$")[0],
        FBSCRYPT[:-3],
        FBSCRYPT[:-8],  # whole groups of base64, and shorter than the signer key
        "scrypt:32768:8:1$salt$" + "ab" * 15,
        # wrong base64 and hexadecimal digits
        pbkdf2(digest="A" * 41 + "==="),
        pbkdf2(digest="A" * 45),
        pbkdf2(digest="A" * 42 + "*"),
        "scrypt:32768:8:1$salt$" + "ab" * 63 + "a",
        "scrypt:32768:8:1$salt$" + "xy" * 64,
        "$2b$05$4hJoATKsJybyn.MvIEXT8PA0eiSJ2.Pp.bVcy3AGFBQz.MSeGPuVW",  # bits beyond the salt
        # other characters
        pbkdf2(salt=""),
        pbkdf2(salt="a\x00b", digest=DIGEST + "\n"),
        pbkdf2() + "\n",
        pbkdf2(iterations="١٠٠٠٠٠"),
        pbkdf2(iterations="-1"),
        pbkdf2(iterations="1e5"),
        pbkdf2(salt="s" * 41),
        # parameters that no such algorithm has
        pbkdf2(iterations=0),
        scrypt(32767, 8, 1),
        scrypt(1, 8, 1),
        scrypt(0, 8, 1),
        scrypt(32768, 0, 1),
        scrypt(32768, 8, 0),
        scrypt(2**16, 1, 1),
        argon2("m=7,t=3,p=1"),
        argon2("m=65536,t=0,p=4"),
        argon2("m=65536,t=3,p=0"),
        BCRYPT.replace("$05$", "$03$"),
        BCRYPT.replace("$05$", "$32$"),
        FBSCRYPT.replace("n=14,r=8", "n=16,r=1"),
        FBSCRYPT.replace("n=14", "n=0"),
        FBSCRYPT.replace("n=14", "n=999999999"),
    ],
    ids=lambda foreign: foreign[:40],
)
def test_what_is_no_hash_of_a_known_format_is_refused_and_not_quoted(foreign: str) -> None:
    with pytest.raises(UnusableHash) as error:
        foreign_hashes.read(foreign)
    assert not foreign or foreign[:20] not in str(error.value)
    assert "format" in str(error.value) or "damaged" in str(error.value)


@pytest.mark.parametrize(
    ("most", "more"),
    [
        (pbkdf2(3_000_000), pbkdf2(3_000_001)),
        (f"pbkdf2:sha1:1500000$salt${'ab' * 20}", f"pbkdf2:sha1:1500001$salt${'ab' * 20}"),
        (f"pbkdf2:sha512:1500000$salt${'ab' * 64}", f"pbkdf2:sha512:1500001$salt${'ab' * 64}"),
        (argon2("m=262144,t=4,p=1"), argon2("m=262145,t=1,p=1")),
        (argon2("m=65536,t=16,p=16"), argon2("m=65536,t=17,p=1")),
        (argon2("m=1024,t=4,p=64"), argon2("m=1024,t=1,p=65")),
        (argon2("m=512,t=256,p=1"), argon2("m=512,t=2048,p=64")),
        (argon2("m=1024,t=8,p=32"), argon2("m=1024,t=9,p=32")),
        (scrypt(2**18, 8, 1), scrypt(2**19, 8, 1)),
        (scrypt(2**14, 8, 16), scrypt(2**14, 8, 17)),
        (scrypt(2**15, 64, 1), scrypt(2, 65, 1)),
        (scrypt(2, 8, 64), scrypt(2, 8, 65)),
        (scrypt(2**15, 1, 64), scrypt(2, 2**20, 1)),
        (BCRYPT.replace("$05$", "$14$"), BCRYPT.replace("$05$", "$15$")),
        (FBSCRYPT.replace("n=14", "n=18"), FBSCRYPT.replace("n=14", "n=19")),
        (FBSCRYPT, FBSCRYPT.replace("r=8", "r=999999999")),
    ],
)
def test_a_hash_that_takes_too_long_to_check_is_refused_at_import_and_where_it_is_stored(most: str, more: str) -> None:
    stored = foreign_hashes.read(most).stored
    assert imported_hashes.read(stored)
    assert len(stored) <= 128
    with pytest.raises(UnusableHash, match="too long"):
        foreign_hashes.read(more)


@pytest.mark.parametrize(
    "foreign",
    [
        scrypt(2**15, 64, 1),
        scrypt(2, 64, 64),
        scrypt(2**15, 1, 1),
        argon2("m=512,t=4,p=64"),
        FBSCRYPT.replace("n=14,r=8", "n=15,r=1"),
    ],
)
def test_a_hash_at_the_bounds_can_be_checked(foreign: str) -> None:
    assert not matches(foreign, PASSWORD)


@pytest.mark.parametrize(
    ("foreign", "weak"),
    [
        (pbkdf2(99_999), True),
        (pbkdf2(100_000), False),
        (argon2("m=16383,t=2,p=1"), True),
        (argon2("m=16384,t=2,p=1"), False),
        (scrypt(2**13, 8, 1), True),
        (scrypt(2**14, 8, 1), False),
        (BCRYPT.replace("$05$", "$09$"), True),
        (BCRYPT.replace("$05$", "$10$"), False),
        (FBSCRYPT.replace("n=14", "n=13"), True),
        (FBSCRYPT, False),
    ],
)
def test_weak_hashes_are_known(foreign: str, weak: bool) -> None:
    assert foreign_hashes.read(foreign).is_weak() is weak


GOOD = foreign_hashes.read(pbkdf2()).stored


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "im1",
        GOOD[:-30],
        GOOD + "$",
        GOOD + "\n",
        GOOD + "A",
        GOOD.replace("100000", "0"),
        GOOD.replace("100000", "0100000"),
        GOOD.replace("100000", "4000000"),
        GOOD.replace("100000", "1,2"),
        GOOD.replace("sha256", "md5"),
        foreign_hashes.read(scrypt(2**14, 8, 1)).stored.replace("16384", "536870912"),
        foreign_hashes.read(scrypt(2**14, 8, 1)).stored.replace("16384", "16383"),
        foreign_hashes.read(argon2()).stored.replace("65536", "999999999"),
        foreign_hashes.read(BCRYPT).stored.replace("$5$", "$31$"),
        f"im1$bcrypt$5${base64.urlsafe_b64encode(b'!' * 22).decode().rstrip('=')}${'A' * 42}",
    ],
)
def test_a_damaged_hash_in_the_database_is_none(stored: str) -> None:
    assert imported_hashes.read(stored) is None


def test_a_hash_is_stored_in_one_form() -> None:
    assert re.fullmatch(r"im1\$pbkdf2-sha256\$100000\$[\w-]+\$[\w-]{43}", GOOD)
    assert imported_hashes.read(GOOD) == foreign_hashes.read(pbkdf2())
