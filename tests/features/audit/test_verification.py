"""`flask audit verify` names what somebody with the database has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from authapp.security.checkpoints import read_all, verifier_key
from tests.factories import AppWith, World
from tests.features.audit.test_sealing import add, seal

UNTRACED = "SET LOCAL session_replication_role = replica; "  # no trigger
NTH = "(SELECT event_id FROM audit_leaves WHERE tree_id = :tree ORDER BY position OFFSET {} LIMIT 1)"
FORGET_TREE = "DELETE FROM audit_leaves; DELETE FROM audit_nodes; DELETE FROM audit_trees; "
EVENTS = 7

# what is done, what it is called, and the position that is named; None where no event can be
TAMPERED: dict[str, tuple[str, str, int | None]] = {
    "a changed action": (f"UPDATE audit_events SET action = 'b.b' WHERE id = {NTH.format(3)}", "was changed", 3),
    "a flipped bit of an id": (
        f"UPDATE audit_events SET actor_id = '019aab1c-7d3e-7a40-9a55-000000000001' WHERE id = {NTH.format(0)}",
        "was changed",
        0,
    ),
    "a later time": (
        f"UPDATE audit_events SET created_at = created_at + interval '1 us' WHERE id = {NTH.format(6)}",
        "was changed",
        6,
    ),
    "another address": (f"UPDATE audit_events SET ip_address = '192.0.2.2' WHERE id = {NTH.format(2)}", "address", 2),
    "another detail": (
        f"""UPDATE audit_events SET details = '{{"email": "a@example.com"}}' WHERE id = {NTH.format(2)}""",
        "address",
        2,
    ),
    "a flipped bit of a leaf": (
        f"UPDATE audit_leaves SET leaf_hash = set_bit(leaf_hash, 9, 1 - get_bit(leaf_hash, 9)) "
        f"WHERE event_id = {NTH.format(4)}",
        "was changed",
        4,
    ),
    "a salt that was forgotten": (
        f"UPDATE audit_leaves SET salt = NULL WHERE event_id = {NTH.format(4)}",
        "added to an event that was erased",
        4,
    ),
    "a deleted event": (f"DELETE FROM audit_events WHERE id = {NTH.format(5)}", "was deleted", 5),
    "an event that was moved to another organization": (
        f"{UNTRACED}UPDATE audit_events SET organization_id = :other WHERE id = {NTH.format(1)}",
        "was changed",
        1,
    ),
    "two events that were swapped": (
        "CREATE TEMP TABLE two ON COMMIT DROP AS SELECT event_id, 5 - position AS position FROM audit_leaves "
        "WHERE tree_id = :tree AND position IN (2, 3); "
        "UPDATE audit_leaves SET event_id = gen_random_uuid() WHERE tree_id = :tree AND position IN (2, 3); "
        "UPDATE audit_leaves SET event_id = two.event_id FROM two "
        "WHERE tree_id = :tree AND two.position = audit_leaves.position",
        "was changed",
        2,
    ),
    "two leaves that were swapped": (
        "UPDATE audit_leaves SET position = -2 WHERE tree_id = :tree AND position = 2; "
        "UPDATE audit_leaves SET position = 2 WHERE tree_id = :tree AND position = 3; "
        "UPDATE audit_leaves SET position = 3 WHERE tree_id = :tree AND position = -2",
        "not what the checkpoint of 7 events says",
        0,
    ),
    "a deleted event and leaf": (
        f"DELETE FROM audit_events WHERE id = {NTH.format(2)}; "
        "DELETE FROM audit_leaves WHERE tree_id = :tree AND position = 2",
        "leaves before this event are missing",
        2,
    ),
    "the last events and leaves": (
        f"DELETE FROM audit_events WHERE id IN ({NTH.format(5)}, {NTH.format(6)}); "
        "DELETE FROM audit_leaves WHERE tree_id = :tree AND position > 4",
        "there were 7 events",
        5,
    ),
    "the last events, and the size of the tree": (
        f"DELETE FROM audit_events WHERE id IN ({NTH.format(5)}, {NTH.format(6)}); "
        "DELETE FROM audit_leaves WHERE tree_id = :tree AND position > 4; UPDATE audit_trees SET size = 5",
        "there were 7 events",
        5,
    ),
    "an event that was added": (
        UNTRACED + "INSERT INTO audit_events (id, action, organization_id) VALUES (uuidv7(), 'a.b', :tree)",
        "added without being sealed",
        None,
    ),
    "another root": (r"UPDATE audit_trees SET root = '\x00' WHERE id = :tree", "stored root is another", None),
    "the right edge of the tree": (
        r"UPDATE audit_trees SET frontier = set_bit(frontier, 0, 1 - get_bit(frontier, 0)) WHERE id = :tree",
        "stored root is another",
        None,
    ),
    "everything sealed anew, but for the checkpoint of the day before": (
        f"{FORGET_TREE}UPDATE audit_checkpoints SET day = day - 1; "
        "UPDATE audit_events SET action = 'c.d'; INSERT INTO audit_unsealed (event_id, tree_id) "
        "SELECT id, organization_id FROM audit_events",
        "not what the checkpoint of 7 events says",
        0,
    ),
}


def verify(world: World, *arguments: str) -> tuple[int, str, str]:
    """The exit status, and what was said on stdout and stderr."""
    said = world.app.test_cli_runner().invoke(args=["audit", "verify", *arguments])
    return said.exit_code, said.stdout, said.stderr


def checkpoint_file(world: World, folder: Path) -> Path:
    """The checkpoints of now, kept elsewhere."""
    path = folder / "checkpoints"
    said = world.app.test_cli_runner().invoke(args=["audit", "checkpoint", "--append", str(path)])
    assert said.exit_code == 0, said.output
    return path


@pytest.fixture
def tenants(world: World) -> tuple[str, str]:
    """Two organizations, of which the first has events that are sealed."""
    world.sql(UNTRACED + "INSERT INTO organizations (id, name, slug) "
              "SELECT uuidv7(), name, name FROM unnest(ARRAY['a', 'b']) AS name")  # fmt: skip
    first, second = world.sql("SELECT id FROM organizations ORDER BY slug")
    add(world, EVENTS, first.id)
    seal(world)
    return str(first.id), str(second.id)


def test_an_untouched_log_is_verified_and_what_cannot_be_known_is_said(
    world: World, tenants: tuple[str, str], tmp_path: Path
) -> None:
    status, said, progress = verify(world)
    assert (status, progress.startswith("Verifying")) == (0, True)
    assert said.startswith("The audit log is what was sealed. Whether everything was written anew, nobody can know")
    kept = checkpoint_file(world, tmp_path)
    add(world, 3, tenants[0])
    seal(world)
    add(world, 1, tenants[0])
    assert checkpoint_file(world, tmp_path) == kept
    assert len(list(read_all(kept.read_text()))) == 2
    status, said, _ = verify(world, "--against", str(kept), "--json")
    found = json.loads(said)
    assert (status, found["findings"], found["against"]) == (0, [], 2)
    assert (found["events"], found["unsealed"], found["trees"], found["foreign"]) == (EVENTS + 3, 1, 3, 0)
    assert verify(world, "--against", str(kept))[1].startswith("The audit log is what was sealed.\n")


@pytest.mark.parametrize("case", TAMPERED)
def test_what_was_done_to_the_log_is_named(world: World, tenants: tuple[str, str], case: str) -> None:
    statements, problem, position = TAMPERED[case]
    sealed = [row.event_id for row in world.sql("SELECT event_id FROM audit_leaves ORDER BY position")]
    named = {name: value for name, value in zip(("tree", "other"), tenants, strict=True) if f":{name}" in statements}
    world.sql(statements, **named)
    seal(world)
    for arguments in ((), ("--organization", tenants[0])):
        status, said, _ = verify(world, *arguments, "--json")
        [finding] = json.loads(said)["findings"][:1]
        assert status == 1
        assert problem in finding["problem"], finding
        assert finding["position"] == position
        if position is not None and "missing" not in finding["problem"]:
            assert finding["event_id"] == str(sealed[3 if case == "two events that were swapped" else position])


@pytest.mark.parametrize("done", ["UPDATE audit_events SET action = 'c.d'", "DELETE FROM audit_events"])
def test_a_log_that_was_written_anew_with_its_checkpoints_is_known_by_a_checkpoint_from_outside(
    world: World, tenants: tuple[str, str], tmp_path: Path, done: str
) -> None:
    kept = checkpoint_file(world, tmp_path)
    world.sql(f"{done} WHERE id = (SELECT min(id::text)::uuid FROM audit_events)")
    world.sql(FORGET_TREE + "DELETE FROM audit_checkpoints")
    world.sql("INSERT INTO audit_unsealed (event_id, tree_id) SELECT id, organization_id FROM audit_events")
    seal(world)
    assert verify(world)[0] == 0  # nobody can know: the worker has signed it, with the key of before
    status, said, _ = verify(world, "--against", str(kept))
    assert status == 1
    expected = "there were 7 events" if done.startswith("DELETE") else "not what the checkpoint of 7 events says"
    assert expected in said
    world.sql(FORGET_TREE + "DELETE FROM audit_checkpoints; DELETE FROM audit_events")
    assert verify(world)[0] == 0
    status, said, _ = verify(world, "--against", str(kept))
    assert (status, "there were 7 events" in said) == (1, True)


def test_the_newest_checkpoint_of_another_key_is_a_finding_unless_the_key_is_named(
    world: World, app_with: AppWith, tenants: tuple[str, str]
) -> None:
    [key] = json.loads(world.app.test_cli_runner().invoke(args=["audit", "checkpoint", "--json"]).stdout)[
        "verifier_keys"
    ]
    assert world.app.test_cli_runner().invoke(args=["audit", "checkpoint"]).stdout.endswith(f"Verifier key: {key}\n")
    secrets = {"secret_key": "another-secret-for-tests-that-is-long-enough"}
    changed = world.with_app(app_with(**secrets))
    status, said, _ = verify(changed, "--json")
    found = json.loads(said)
    assert (status, found["foreign"]) == (1, 1)
    assert [finding["problem"] for finding in found["findings"]] == ["an unknown key has signed the newest checkpoint"]
    assert verify(changed, "--previous-key", verifier_key("a", bytes(32)))[0] == 1
    replaced = world.with_app(app_with(**secrets, secret_key_previous=world.app.settings.secret_key))
    for known in (verify(changed, "--previous-key", key, "--json"), verify(replaced, "--json")):
        assert (known[0], json.loads(known[1])["foreign"]) == (0, 0)
    world.sql("UPDATE audit_checkpoints SET day = day - 1")
    add(world, 1, tenants[0])
    seal(changed)
    status, said, _ = verify(changed)
    assert (status, "by an unknown key: 1. Anybody may have signed" in said) == (0, True)


@pytest.mark.parametrize("key", ["", "key", "a+b+c", "localhost:8000/audit/a+00000000+AQ==", "a+00000000+é"])
def test_what_is_no_verifier_key_is_refused(world: World, key: str) -> None:
    said = world.app.test_cli_runner().invoke(args=["audit", "verify", "--previous-key", key])
    assert (said.exit_code, "This is no verifier key." in said.output) == (2, True)


def test_a_file_without_a_checkpoint_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("nothing\n")
    said = world.app.test_cli_runner().invoke(args=["audit", "verify", "--against", str(tmp_path / "empty")])
    assert (said.exit_code, "There is no checkpoint in" in said.output) == (1, True)


def test_the_export_has_a_line_for_each_leaf(world: World, tenants: tuple[str, str]) -> None:
    said = world.app.test_cli_runner().invoke(args=["audit", "export", "--organization", tenants[0]])
    lines = [json.loads(line) for line in said.output.splitlines()]
    assert [line["position"] for line in lines] == list(range(EVENTS))
    assert {line["fields"]["organization_id"] for line in lines} == {tenants[0]}
    assert {line["personal"]["ip_address"] for line in lines} == {"192.0.2.1"}
    everything = world.app.test_cli_runner().invoke(args=["audit", "export"])
    assert everything.output == said.output
