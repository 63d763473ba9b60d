"""`users import` takes accounts, organizations, memberships and password hashes over, once, however often it runs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.security import generate_password_hash

from authapp.cli import users_import
from authapp.cli.users_import import Report
from authapp.db import tenancy, transaction
from authapp.instance import ROOT
from authapp.services.user_import import batches
from authapp.services.user_import.lines import Line, parse
from tests.factories import PASSWORD, AppWith, World, all_at_once, statements
from tests.pages import blocks
from tests.passkeys import Passkey
from tests.sso import MemoryProvider, ada
from tests.sso import sign_in as sso_sign_in

ACME = {"organization": {"slug": "acme", "name": "Acme Research"}}
WEAK = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
Import = Callable[..., dict[str, Any]]


def account(email: str = "ada@example.com", *roles: str, **fields: Any) -> dict[str, Any]:
    """A line of an account with roles in organizations: `acme admin`."""
    organizations = [dict(zip(("slug", "role"), role.split(), strict=True)) for role in roles]
    return {"email": email, "email_verified": True, "organizations": organizations, **fields}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.jsonl"


@pytest.fixture
def provider(world: World, monkeypatch: pytest.MonkeyPatch) -> MemoryProvider:
    """A provider that the application is configured with."""
    found = MemoryProvider()
    monkeypatch.setitem(world.app.providers, found.id, found)
    return found


@pytest.fixture
def run(world: World, path: Path) -> Import:
    """Write these lines into the file, and import it. What `--json` says."""

    def run(lines: Iterable[dict[str, Any] | bytes] | None = None, *options: str) -> dict[str, Any]:
        if lines is not None:
            made = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
            path.write_bytes(b"".join(line + b"\n" for line in made))
        said = world.app.test_cli_runner().invoke(args=["users", "import", str(path), "--json", *options])
        assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
        found: dict[str, Any] = json.loads(said.stdout)
        assert said.exit_code == bool(found["refused"])
        return found

    return run


def reasons(found: dict[str, Any]) -> dict[int, str]:
    return {each["line"]: each["reason"] for each in found["reasons"]}


def sign_in(world: World, email: str, password: str = PASSWORD) -> int:
    return world.caller().call("POST", "/auth/login", {"email": email, "password": password}).status_code


def database(world: World) -> list[Any]:
    """What an import writes, without ids and moments."""
    return [
        world.sql(
            "SELECT email, email_verified, password_hash, first_name, last_name, is_active FROM users ORDER BY 1"
        ),
        world.sql("SELECT slug, name, seats FROM organizations ORDER BY 1"),
        world.sql(
            "SELECT slug, email, role FROM memberships JOIN users ON users.id = user_id "
            "JOIN organizations ON organizations.id = organization_id ORDER BY 1, 2"
        ),
        world.sql("SELECT action, count(*), count(DISTINCT target_id) FROM audit_events GROUP BY 1 ORDER BY 1"),
    ]


def test_the_example_of_the_docs_is_imported_and_its_people_sign_in(world: World, path: Path) -> None:
    [example] = blocks("docs/import.md", "jsonl")
    path.write_text(example)
    said = world.app.test_cli_runner().invoke(args=["users", "import", str(path)])
    assert (said.exit_code, said.stdout.splitlines()) == (
        0,
        [
            "Accounts: 3 created, 0 there already",
            "Organizations: 2 created, 0 there already",
            "Memberships: 3 created, 0 there already",
            "Accounts without a password: 1",
            "Weak password hashes: 0",
            "Refused lines: 0",
        ],
    )
    signed_in = world.caller().call("POST", "/auth/login", {"email": "ada@example.com", "password": PASSWORD})
    user = signed_in.get_json()["user"]
    assert (user["first_name"], user["created_at"], user["email_verified"]) == ("Ada", "2019-03-01T08:30:00.000Z", True)
    caller = world.caller(signed_in.get_json()["access_token"])
    mine = caller.call("GET", "/auth/me").get_json()["memberships"]
    assert {each["organization"]["slug"]: each["role"] for each in mine} == {"acme": "admin", "globex": "viewer"}
    organization_id = next(each["organization"]["id"] for each in mine if each["role"] == "admin")
    events = caller.call("GET", f"/organizations/{organization_id}/audit-events").get_json()["items"]
    assert [(each["action"], each["actor_id"]) for each in events] == [
        ("member.joined", None),
        ("organization.created", None),
    ]
    assert sign_in(world, "grace@example.com") == 200
    assert sign_in(world, "edsger@example.com") == 401  # and sets a password by email, once active


def foreign_hashes() -> dict[str, str]:
    """A cheap hash of each kind."""
    made = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 1000).hex()
    return {
        "bcrypt": WEAK,
        "django": "bcrypt_sha256$$2b$05$Dr7fLOtkq9YFNsudRAj0e.NCc0uAsU/Pp8Nw7CAZbe/M1/g/yIhPW",
        "argon2": "$argon2id$v=19$m=64,t=1,p=1$dw2505hsdvepNVj/AxUbpQ$gBNyuQVQG7FPlGLLToFk5PUa/iZnfKGfw1efQFdaKXw",
        "scrypt": generate_password_hash(PASSWORD, "scrypt:1024:8:1"),
        "pbkdf2": f"pbkdf2:sha256:1000$salt${made}",
    }


def test_a_hash_of_each_kind_lets_its_owner_in_alone_and_is_replaced_at_the_sign_in(world: World, run: Import) -> None:
    made = foreign_hashes()
    run([account(f"{kind}@example.com", password_hash=each) for kind, each in made.items()])
    for kind in made:
        assert sign_in(world, f"{kind}@example.com", PASSWORD + "x") == 401
        assert sign_in(world, f"{kind}@example.com") == 200
    stored = [row.password_hash for row in world.sql("SELECT password_hash FROM users")]
    assert [each[:8] for each in stored] == ["ap1$2b$0"] * len(made)
    assert [sign_in(world, f"{kind}@example.com") for kind in made] == [200] * len(made)


def bcrypt_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many steps each call of bcrypt takes from now on."""
    steps: list[int] = []

    def counted(work: Callable[[bytes, bytes], Any]) -> Callable[[bytes, bytes], Any]:
        def count(password: bytes, salt_or_hash: bytes) -> Any:
            steps.append(2 ** int(salt_or_hash[4:6]))
            return work(password, salt_or_hash)

        return count

    monkeypatch.setattr(bcrypt, "hashpw", counted(bcrypt.hashpw))
    monkeypatch.setattr(bcrypt, "checkpw", counted(bcrypt.checkpw))
    return steps


@pytest.mark.parametrize("rounds", [4, 6])
def test_a_wrong_password_of_an_imported_account_costs_at_least_a_hash_of_ours(
    world: World, run: Import, app_with: AppWith, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    run(
        [
            account("a@example.com", password_hash=WEAK),
            account("b@example.com", password_hash=foreign_hashes()["pbkdf2"]),
        ]
    )
    steps = bcrypt_steps(monkeypatch)
    client = app_with(bcrypt_rounds=rounds).test_client()
    for email in ("a@example.com", "b@example.com"):
        steps.clear()
        body = {"email": email, "password": "WrongPassword1"}
        assert client.post("/api/v1/auth/login", json=body).status_code == 401
        assert sum(steps) == 2**rounds


def test_a_hash_that_openssl_refuses_to_check_is_an_ordinary_wrong_password_and_is_logged(
    world: World, run: Import, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run([account(password_hash=foreign_hashes()["scrypt"])])

    def refuse(*_: Any, **__: Any) -> bytes:
        raise ValueError("memory limit exceeded")

    monkeypatch.setattr(hashlib, "scrypt", refuse)
    steps = bcrypt_steps(monkeypatch)
    assert sign_in(world, "ada@example.com") == 401
    assert steps == [2**world.app.settings.bcrypt_rounds]
    assert "password.hash_unreadable" in capfd.readouterr().out


def test_an_account_without_a_hash_sets_its_password_by_email(world: World, run: Import) -> None:
    assert run([account()])["accounts_without_password"] == 1
    assert world.emails() == []
    assert sign_in(world, "ada@example.com") == 401
    world.caller().call("POST", "/auth/password/forgot", {"email": "ada@example.com"})
    body = {"token": world.token_for("ada@example.com"), "new_password": PASSWORD}
    assert world.caller().call("POST", "/auth/password/reset", body).status_code == 204
    assert sign_in(world, "ada@example.com") == 200


HASH = "pbkdf2_sha256$100000$salt$" + "A" * 43


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "The line is not valid JSON."),
        (b'{"email": "ada@example.com"', "The line is not valid JSON."),
        (b'{"email": NaN}', "The line is not valid JSON."),
        (b"[]", "The line is not a JSON object."),
        (b"1" * 5000, "The line is not"),
        (b'{"email": "\xff"}', "The line is not UTF-8."),
        (b'{"email": "a@example.com", "email": "b@example.com"}', "The line has 'email' more than once in one object."),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "The line is nested too deeply."),
        (b'{"email": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "The line is nested too deeply."),
        (b'{"email": "' + b"x" * 10_000_000 + b'"}', "The line is longer than 64 KiB."),
        (b"{}", "email: Missing data for required field."),
        ({"email": "a\x00@example.com"}, "email: Contains a character"),
        ({"email": "\ud800@example.com"}, "email: Not a valid email address."),
        ({"email": "no address"}, "email: Not a valid email address."),
        ({"email": ["a@example.com"]}, "email: Not a valid string."),
        (account(password="secret"), "password: Unknown field."),
        (account(first_name="x" * 101), "first_name: Length must be between 1 and 100."),
        (account(is_active="yes"), "is_active: Not a valid boolean."),
        (account(created_at="2020-01-01"), "created_at: Give a moment with its zone"),
        (account(created_at="2999-01-01T00:00:00Z"), "created_at: This moment is in the future."),
        (account(password_hash="md5$abc"), "password_hash: Not a password hash of a format that can be imported."),
        (account(password_hash="a\x00b"), "password_hash: Contains a character that cannot be stored."),
        (account(password_hash=HASH.replace("100000", "9999999")), "password_hash: One check of this"),
        (account(password_hash=f"scrypt$65536$saltsalt$1$1${'A' * 43}="), "password_hash: Not a password hash of a"),
        (account(password_hash=f"scrypt$2$saltsalt$1048576$1${'A' * 43}="), "password_hash: One check of this"),
        (account(password_hash=HASH + "==="), "password_hash: Not a password hash of a format"),
        (account("a@example.com", "acme boss"), "organizations[0].role: Choose one of admin, developer, viewer."),
        (account("a@example.com", "Acme admin"), "organizations[0].slug: Use lower-case letters and digits"),
        (account("a@example.com", "acme admin", "acme viewer"), "organizations: Name each organization once."),
        (account("a@example.com", "nowhere viewer"), "organizations: There is no organization nowhere"),
        ({"organization": {"slug": "admin", "name": "Admin"}}, "organization.slug: This slug is reserved."),
        ({"organization": {"slug": "a-b", "name": "\u202e"}}, "organization.name: Contains an invisible or control"),
        ({"organization": {"slug": "a-b", "name": "A", "seats": 2**31}}, "organization.seats: Must be"),
        ({"organization": {"slug": "a-b"}, "email": "a@example.com"}, "organization.name: Missing data for"),
        ({"organization": {"slug": "alone", "name": "Alone"}}, "No line makes an active account an admin of alone."),
        ({f"x{n}" * 200: n for n in range(50)}, "And 46 more."),
    ],
    ids=range(36),
)  # fmt: skip
def test_a_line_that_breaks_a_rule_is_refused_with_its_number_and_all_others_are_imported(
    world: World, run: Import, line: Any, reason: str
) -> None:
    found = run([ACME, line, b"", b"  ", account("grace@example.com", "acme admin")])
    assert (found["refused"], list(reasons(found))) == (1, [2])
    assert reason in reasons(found)[2]
    assert len(reasons(found)[2]) < 1000
    assert found["memberships"]["created"] == 1
    assert len(world.sql("SELECT FROM users WHERE email <> 'a@example.com'")) == 1


def test_refused_lines_are_written_as_they_are_and_can_be_imported_once_corrected(
    world: World, run: Import, tmp_path: Path
) -> None:
    rejected = tmp_path / "rejected.jsonl"
    late = account("late@example.com", "globex admin", email_verified=False, password_hash=WEAK)
    found = run([ACME, b"no JSON", account("ada@example.com", "acme admin"), late], "--rejected", str(rejected))
    assert (found["refused"], found["weak_hashes"], found["accounts"]["created"]) == (2, 1, 2)
    assert sorted(rejected.read_bytes().splitlines()) == sorted([b"no JSON", json.dumps(late).encode()])
    assert rejected.stat().st_mode & 0o777 == 0o600
    again = run([{"organization": {"slug": "globex", "name": "Globex"}}, late])
    assert (again["organizations"]["created"], again["memberships"]["created"], again["refused"]) == (1, 1, 0)


def test_the_imported_file_is_not_overwritten(world: World, path: Path) -> None:
    path.write_text("{}\n")
    said = world.app.test_cli_runner().invoke(args=["users", "import", str(path), "--rejected", str(path)])
    assert said.exit_code == 2
    assert path.read_text() == "{}\n"


def test_a_dry_run_tells_what_would_happen_and_changes_nothing(world: World, run: Import) -> None:
    lines = [ACME, account("a@example.com", "acme viewer"), account("b@example.com", "acme admin"), b"no JSON"]
    empty = database(world)
    tried = run(lines, "--dry-run")
    assert tried["dry_run"]
    assert database(world) == empty
    assert {**run(lines), "dry_run": True} == tried


def test_stdin_is_imported_too(world: World) -> None:
    lines = "\ufeff" + json.dumps(ACME) + "\r\n" + json.dumps(account("a@example.com", "acme admin"))
    said = world.app.test_cli_runner().invoke(args=["users", "import", "-"], input=lines)
    assert (said.exit_code, said.stdout.splitlines()[2]) == (0, "Memberships: 1 created, 0 there already")


def test_what_is_there_stays_as_it_is_and_gets_the_memberships_it_lacks(world: World, run: Import) -> None:
    founder = world.person("Acme", first_name="Ada")
    world.sql("UPDATE users SET email_verified = true")
    lines = [
        {"organization": {"slug": "acme", "name": "Another"}},
        {"organization": {"slug": "globex", "name": "Globex"}},
        account(founder.email.upper(), "acme viewer", "globex admin", first_name="Eve", password_hash=WEAK),
    ]  # fmt: skip
    found = run(lines, "--into", "acme")
    assert (found["accounts"], found["organizations"]) == ({"created": 0, "present": 1}, {"created": 1, "present": 1})
    assert database(world)[1] == [("acme", "Acme", None), ("globex", "Globex", None)]
    assert found["memberships"] == {"created": 1, "present": 1}
    assert sign_in(world, founder.email) == 200
    me = founder.call("GET", "/auth/me").get_json()
    assert me["first_name"] == "Ada"
    assert [(each["organization"]["name"], each["role"]) for each in me["memberships"]] == [
        ("Acme", "admin"),
        ("Globex", "admin"),
    ]


@pytest.mark.parametrize("fields", [{}, {"password_hash": WEAK}], ids=["without a hash", "with a hash"])
def test_whoever_has_registered_an_address_before_the_import_gets_no_membership(
    world: World, run: Import, fields: dict[str, Any]
) -> None:
    squatter = world.person()
    lines = [ACME, account("a@example.com", "acme admin"), account(squatter.email, "acme admin", **fields)]
    assert "nobody has verified" in reasons(run(lines))[3]


def test_whoever_has_taken_an_address_with_a_provider_and_unlinked_it_gets_no_membership(
    world: World, run: Import, provider: MemoryProvider
) -> None:
    person = ada(email="boss@example.com", email_verified=False)
    squatter = world.caller(sso_sign_in(world, provider, person).get_json()["access_token"])
    begun = squatter.call("POST", "/auth/passkeys/options").get_json()
    answer = {"challenge_id": begun["challenge_id"], "passkey": Passkey().create(begun["options"])}
    assert squatter.call("POST", "/auth/passkeys", answer).status_code == 201
    [identity] = squatter.call("GET", "/auth/identities").get_json()["items"]
    assert squatter.call("DELETE", f"/auth/identities/{identity['id']}").status_code == 204
    lines = [ACME, account("a@example.com", "acme admin"), account("boss@example.com", "acme admin")]
    assert "has to verify it, with the email of POST /auth/password/forgot" in reasons(run(lines))[3]
    assert squatter.call("GET", "/organizations").get_json()["items"] == []
    # without all that it leaves behind, it is no account of an import either
    for table in ("sessions", "passkeys", "identities", "known_devices"):
        world.sql(f"DELETE FROM {table}")
    world.sql("UPDATE users SET last_login_at = NULL")
    assert list(reasons(run())) == [3]
    world.sql("UPDATE users SET email_verified = true")
    assert run()["memberships"] == {"created": 1, "present": 1}


@pytest.mark.parametrize(
    "use",
    [
        "UPDATE users SET last_login_at = now() WHERE id = :id",
        "UPDATE users SET password_hash = 'another' WHERE id = :id",
        "INSERT INTO sessions (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, "
        "ends_at_latest) VALUES (:id, :id, :id, now(), '{pwd}', now(), now(), now())",
        "INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, backup_eligible, backed_up, name) "
        "VALUES (:id, :id, '', '', 0, false, false, 'Mine')",
        "INSERT INTO identities (id, user_id, provider, issuer, subject) VALUES (:id, :id, 'oidc', 'i', 's')",
        "INSERT INTO identities (id, user_id, provider, issuer, subject, unlinked_at) "
        "VALUES (:id, :id, 'oidc', 'i', 's', now())",
        "INSERT INTO known_devices (id, user_id, token_hash, expires_at) VALUES (:id, :id, '', now())",
        "UPDATE audit_events SET actor_type = 'user', actor_id = :id WHERE user_id = :id",
        "DELETE FROM audit_events WHERE user_id = :id",
    ],
    ids=["sign-in", "password", "session", "passkey", "identity", "unlinked", "device", "actor", "no event"],
)
def test_an_account_of_an_earlier_import_gets_memberships_as_long_as_nobody_has_used_it(
    world: World, run: Import, use: str
) -> None:
    new = account("new@example.com", email_verified=False)
    run([ACME, account("a@example.com", "acme admin"), new, {**new, "email": "used@example.com"}])
    [[used]] = world.sql("SELECT id FROM users WHERE email = 'used@example.com'")
    world.sql(use, id=used)
    found = run([account(f"{name}@example.com", "acme viewer") for name in ("new", "used")])
    assert (found["memberships"]["created"], list(reasons(found))) == (1, [2])


def test_an_organization_that_no_import_has_created_gets_members_only_where_the_operator_names_it(
    world: World, run: Import
) -> None:
    squatter = world.person("Acme")
    lines = [ACME, account("a@example.com", "acme admin"), {"organization": {"slug": "globex", "name": "Globex"}}]
    lines += [account("b@example.com", "globex admin", "acme viewer")]
    found = run(lines)
    assert list(reasons(found)) == [1, 2, 4]
    assert (found["organizations"]["created"], found["memberships"]["created"]) == (1, 1)
    assert all("import with --into acme" in reason for reason in reasons(found).values())
    assert list(reasons(run(None, "--into", "globex"))) == [1, 2, 4]
    members = f"/organizations/{squatter.organization_id}/members"
    assert len(squatter.call("GET", members).get_json()["items"]) == 1
    named = run(None, "--into", "acme", "--into", "other")
    assert (named["refused"], named["memberships"]) == (0, {"created": 2, "present": 1})
    assert len(squatter.call("GET", members).get_json()["items"]) == 3


def test_an_organization_of_an_import_that_changed_its_slug_to_another_customers_does_not_get_its_members(
    world: World, run: Import
) -> None:
    run([ACME, account("a@example.com", "acme admin")])
    world.sql("UPDATE organizations SET slug = 'globex'")
    globex = [{"organization": {"slug": "globex", "name": "Globex"}}, account("b@example.com", "globex admin")]
    assert list(reasons(run(globex))) == [1, 2]
    assert len(world.sql("SELECT FROM memberships")) == 1


def test_an_organization_that_somebody_creates_during_the_import_does_not_get_its_members(world: World) -> None:
    with world.app.app_context():
        tenancy.set_operator()
        waiting = batches.add([parse(Line(1, json.dumps(ACME).encode()))], {}).waiting
        transaction.commit()
        world.person("Acme")
        tenancy.set_operator()
        line = parse(Line(2, json.dumps(account("a@example.com", "acme admin")).encode()))
        outcome = batches.add([line], waiting)
        transaction.rollback()
    assert [line.number for line, _ in outcome.refused] == [2]
    assert outcome.counts["memberships_created"] == 0


def test_an_address_that_can_be_taken_back_is_refused(world: World, run: Import) -> None:
    person = world.person()
    world.sql("UPDATE users SET email_verified = true")
    world.sql(
        "INSERT INTO one_time_tokens (id, owner_id, purpose, email, token_hash, expires_at) "
        "VALUES (:id, :id, 'undo_change', 'left@example.com', '', now() + interval '1 day')",
        id=person.id,
    )
    found = run([account("left@example.com"), account("free@example.com")])
    assert (found["accounts"]["created"], list(reasons(found))) == (1, [1])
    assert "can still take it back" in reasons(found)[1]


def test_an_organization_is_created_with_its_first_active_admin_whatever_the_order_of_its_members(
    world: World, run: Import
) -> None:
    lines = [
        {"organization": {"slug": "acme", "name": "Acme", "seats": 2}},
        account("viewer@example.com", "acme viewer"),
        account("off@example.com", "acme admin", is_active=False),
        *(account(f"{number}@example.com") for number in range(1000)),  # so that the admin is in another batch
        account("admin@example.com", "acme admin"),
        account("late@example.com", "acme viewer"),
    ]
    found = run(lines)
    assert reasons(found) == {
        3: "organizations: Every seat of acme is taken.",
        1005: "organizations: Every seat of acme is taken.",
    } or reasons(found) == {
        2: "organizations: Every seat of acme is taken.",
        3: "organizations: Every seat of acme is taken.",
    }
    roles = world.sql("SELECT email, role FROM memberships JOIN users ON users.id = user_id ORDER BY 1")
    assert ("admin@example.com", "admin") in [tuple(row) for row in roles]
    assert len(roles) == 2


def test_what_a_batch_has_found_stays_so_until_it_is_committed(world: World) -> None:
    founder = world.person("Acme")
    world.sql("UPDATE users SET email_verified = true")
    with world.app.app_context():
        lines = [
            parse(Line(1, b'{"organization": {"slug": "globex", "name": "Globex"}}')),
            parse(Line(2, json.dumps(account(founder.email, "globex admin", "acme viewer")).encode())),
        ]
        tenancy.set_operator()
        batches.add(lines, {})
        for table in ("users", "organizations"):
            with pytest.raises(OperationalError, match="could not obtain lock"):
                world.sql(f"SELECT FROM {table} FOR NO KEY UPDATE NOWAIT")
        transaction.rollback()


def test_an_import_of_many_lines_takes_as_many_statements_as_one_of_few(world: World, path: Path) -> None:
    sent = {}
    for size in (5, 400):
        lines = [{"organization": {"slug": f"acme-{size}", "name": "Acme", "seats": 500}}]
        lines += [account(f"{size}-{number}@example.com", f"acme-{size} admin") for number in range(size)]
        path.write_text("\n".join(map(json.dumps, lines)))
        with statements(world.app) as sent[size]:
            world.app.test_cli_runner().invoke(args=["users", "import", str(path)])
    assert sent[5] == sent[400]
    assert len(sent[400]) <= 16


def people(number: int) -> list[dict[str, Any]]:
    """Organizations of twenty, the admin in the middle of each; every tenth person belongs to the next one as well."""
    sizes = range(number // 20)
    organizations = [{"organization": {"slug": f"o{each}", "name": f"O {each}", "seats": 50}} for each in sizes]
    accounts = []
    for each in range(number):
        own = f"o{each % len(sizes)} {'admin' if each // len(sizes) == 10 else 'viewer'}"
        other = [f"o{(each + 1) % len(sizes)} developer"] if each % 10 == 0 else []
        hashed = {"password_hash": WEAK} if each % 3 else {}
        accounts.append(account(f"u{each}@example.com", own, *other, email_verified=bool(each % 2), **hashed))
    return [*organizations, *accounts]


def test_an_import_that_was_killed_ends_with_the_same_database_when_it_runs_again(
    world: World, run: Import, path: Path
) -> None:
    lines = people(2000)
    whole = run(lines)
    assert (whole["refused"], whole["accounts"]["created"], whole["memberships"]["created"]) == (0, 2000, 2200)
    expected = database(world)
    world.clear()
    url = world.app.config["SQLALCHEMY_DATABASE_URI"].render_as_string(hide_password=False).replace("+psycopg2", "")
    environment = {
        **os.environ,
        "APP_ENV": "testing",
        "DATABASE_URL": url,
        "SECRET_KEY": "a-secret-that-is-long-enough-x",
    }
    arguments = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "import", str(path)]
    with subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        while not (found := len(world.sql("SELECT FROM users LIMIT 1"))) and process.poll() is None:
            pass
        process.kill()
    assert (process.returncode, found) == (-9, 1)
    assert database(world) != expected
    run()
    assert database(world) == expected
    again = run()
    assert [again[kind]["created"] for kind in ("accounts", "organizations", "memberships")] == [0, 0, 0]
    assert database(world) == expected


def test_two_imports_of_one_file_at_once_create_everything_once(world: World, run: Import) -> None:
    lines = people(400)
    raw = b"\n".join(json.dumps(line).encode() for line in lines)
    reports = [Report(None), Report(None)]

    def import_once(report: Report) -> None:
        with world.app.app_context():
            users_import.run(io.BytesIO(raw), report, users_import.commit)

    all_at_once([lambda report=report: import_once(report) for report in reports])  # type: ignore[misc]
    total = reports[0].counts + reports[1].counts
    assert (total["accounts_created"], total["memberships_created"], total["organizations_created"]) == (400, 440, 20)
    assert total["refused"] == 0
    found = database(world)
    world.clear()
    run(lines)
    assert found == database(world)


def test_the_script_for_firebase_writes_lines_that_are_imported(world: World, run: Import, tmp_path: Path) -> None:
    [script] = blocks("docs/import.md", "python")
    (tmp_path / "from_firebase.py").write_text(script)
    signer_key = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
    exported = {
        "email": "ada@example.com",
        "emailVerified": True,
        "displayName": "Ada Lovelace",
        "salt": "42xEC+ixf3L2lw==",
        "passwordHash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    }
    made = subprocess.run(
        [sys.executable, "from_firebase.py", signer_key, "Bw==", "8", "14"],
        input=json.dumps({"users": [exported, {"email": "grace@example.com"}]}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run(line.encode() for line in made.stdout.splitlines())["accounts"]["created"] == 2
    assert sign_in(world, "ada@example.com", "user1password") == 200


def test_an_import_says_in_a_sentence_that_the_database_is_away(app_with: AppWith, path: Path) -> None:
    path.write_text(json.dumps(ACME))
    app = app_with(database_url="postgresql://nobody@127.0.0.1:1/none")
    said = app.test_cli_runner().invoke(args=["users", "import", str(path)])
    assert said.exit_code == 1
    assert said.output.startswith("Error: The database cannot be reached")
