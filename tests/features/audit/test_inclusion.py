"""An admin verifies an event with a program of its own, without trust in the operator."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from authapp.core.errors import catalogue
from authapp.db import tenancy, transaction
from authapp.instance import ROOT
from authapp.models import AuditEvent
from authapp.services.audit_seals import erase_personal
from authapp.services.audit_seals.inclusion import AuditEventNotFound, AuditEventNotSealed
from tests.factories import UNKNOWN_ID, Person, World
from tests.features.audit.test_sealing import add, seal

PROGRAM = ROOT / "clients" / "python" / "verify_audit_event.py"


def ask(admin: Person, event_id: str, from_size: int | None = None) -> Any:
    query = f"?from_size={from_size}" if from_size else ""
    path = f"/organizations/{admin.organization_id}/audit-events/{event_id}/proof{query}"
    return admin.call("GET", path)


def events(world: World, admin: Person) -> list[str]:
    statement = "SELECT event_id FROM audit_leaves WHERE tree_id = :id ORDER BY position"
    return [str(row.event_id) for row in world.sql(statement, id=admin.organization_id)]


def run(folder: Path, key: str, sent: dict[str, Any], *earlier: str) -> tuple[int, str]:
    """The exit status of the program, and the last line that it has said."""
    (folder / "sent.json").write_text(json.dumps(sent), encoding="utf-8")
    files = [folder / f"earlier{number}" for number in range(len(earlier))]
    for file, note in zip(files, earlier, strict=True):
        file.write_text(note, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, PROGRAM, key, folder / "sent.json", *files], capture_output=True, text=True, check=False
    )
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()[-1]


def change(*path: str | int) -> Callable[[dict[str, Any]], None]:
    """Change the text at this place by one character."""

    def do(sent: dict[str, Any]) -> None:
        *above, last = path
        place: Any = sent
        for name in above:
            place = place[name]
        place[last] = place[last] + 1 if isinstance(place[last], int) else ("1" if place[last][0] == "0" else "0") + place[last][1:]  # fmt: skip # noqa: E501

    return do


def forge(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda sent: sent.update(values)


FORGED = {"ip_address": "192.0.2.6", "user_agent": "forged", "details": {"role": "admin"}}
OF_NO_SALT = hashlib.sha256(json.dumps(FORGED, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
TAMPERED = {
    "the action": (change("fields", "action"), "not as it was sealed"),
    "the time": (change("fields", "created_at"), "not as it was sealed"),
    "the address": (change("personal", "ip_address"), "address, user agent or details"),
    "a detail": (change("personal", "details", "name"), "address, user agent or details"),
    "the salt": (change("salt"), "address, user agent or details"),
    "the hash of what is personal": (change("personal_hash"), "address, user agent or details"),
    "the position": (change("position"), "not as it was sealed"),
    "the hash of the leaf": (change("leaf_hash"), "not as it was sealed"),
    "what is personal, without its salt": (forge(salt=None, personal=FORGED), "address, user agent or details"),
    "what is personal, with an empty salt": (
        forge(salt="", personal=FORGED, personal_hash=OF_NO_SALT),
        "address, user agent or details",
    ),
    "a shorter salt": (lambda sent: sent.update(salt=sent["salt"][2:]), "address, user agent or details"),
    "the path": (change("inclusion_path", 0), "not as it was sealed"),
    "the consistency path": (change("consistency_path", 0), "rewritten"),
    "the name in the checkpoint": (change("checkpoint"), "another log or key"),
}


def test_a_real_event_is_verified_and_a_tampered_one_is_not(world: World, tmp_path: Path) -> None:
    admin = world.person("Acme")
    seal(world)
    [created] = events(world, admin)
    first = ask(admin, created).get_json()
    assert (first["size"], first["inclusion_path"], first["consistency_path"]) == (1, [], None)
    key = first["verifier_key"]
    assert run(tmp_path, key, first, first["checkpoint"]) == (0, "Verified.")
    add(world, 4, admin.organization_id)
    seal(world)
    second = ask(admin, created, from_size=1).get_json()
    assert run(tmp_path, key, second, first["checkpoint"]) == (0, "Verified.")
    for name, (tamper, problem) in TAMPERED.items():
        sent = json.loads(json.dumps(second))
        tamper(sent)
        status, said = run(tmp_path, key, sent, first["checkpoint"])
        assert (status, problem in said) == (1, True), (name, said)
    forged = {**second, "checkpoint": second["checkpoint"].replace("\n5\n", "\n6\n")}
    assert run(tmp_path, key, forged)[1].endswith("InvalidSignature")
    rewritten = {**second, "consistency_path": ask(admin, created, from_size=2).get_json()["consistency_path"]}
    assert run(tmp_path, key, rewritten, first["checkpoint"]) == (1, "Not verified: the log was rewritten since then.")


def test_every_event_and_every_earlier_checkpoint_is_verified(world: World, tmp_path: Path) -> None:
    admin = world.person("Acme")
    earlier = []
    for count in (0, 2, 4, 9):
        if count:
            add(world, count, admin.organization_id)
        seal(world)
        earlier.append(ask(admin, events(world, admin)[0]).get_json())
    key, ids = earlier[0]["verifier_key"], events(world, admin)
    for before, event_id in zip(earlier, (ids[0], ids[5], ids[-2], ids[-1]), strict=True):
        sent = ask(admin, event_id, from_size=before["size"]).get_json()
        assert run(tmp_path, key, sent, before["checkpoint"]) == (0, "Verified."), before["size"]
    assert ask(admin, ids[0], from_size=len(ids) + 1).get_json()["consistency_path"] is None


def test_an_erased_event_is_still_verified(world: World, tmp_path: Path) -> None:
    admin = world.person("Acme")
    seal(world)
    with world.app.app_context():
        tenancy.set_operator()
        erase_personal(AuditEvent.organization_id == admin.organization_id, uuid7())
        transaction.commit()
    sent = ask(admin, events(world, admin)[0]).get_json()
    assert (sent["salt"], sent["personal"]) == (None, None)
    assert run(tmp_path, sent["verifier_key"], sent) == (0, "Verified.")


def test_an_event_of_another_organization_or_one_that_is_not_sealed_has_no_answer(world: World) -> None:
    admin, other = world.person("Acme"), world.person("Other")
    [[event_id]] = world.sql("SELECT id FROM audit_events WHERE organization_id = :id", id=admin.organization_id)
    unsealed = ask(admin, event_id)
    assert (unsealed.status_code, unsealed.get_json()["code"]) == (409, AuditEventNotSealed.code)
    seal(world)
    assert ask(admin, event_id).status_code == 200
    for caller, id_ in ((other, event_id), (admin, UNKNOWN_ID)):
        response = ask(caller, id_)
        assert (response.status_code, response.get_json()["code"]) == (404, AuditEventNotFound.code)
    path = f"/organizations/{admin.organization_id}/audit-events/{event_id}/proof"
    assert other.call("GET", path).status_code == 403
    assert admin.call("GET", f"{path}?from_size=0").status_code == 422
    assert {AuditEventNotFound, AuditEventNotSealed} <= set(catalogue())


def test_the_program_needs_nothing_of_authapp_and_is_short() -> None:
    source = PROGRAM.read_text()
    assert "authapp" not in source
    assert len(source.splitlines()) <= 60


@pytest.mark.parametrize("size", [255, 256, 257, 700])
def test_a_large_log_is_answered_from_the_stored_nodes(world: World, tmp_path: Path, size: int) -> None:
    admin = world.person("Acme")
    add(world, size - 1, admin.organization_id)
    seal(world)
    ids = events(world, admin)
    for position in (0, size // 2, size - 1):
        sent = ask(admin, ids[position], from_size=position + 1).get_json()
        assert (sent["size"], sent["position"]) == (size, position)
    assert run(tmp_path, sent["verifier_key"], sent) == (0, "Verified.")
