"""Operators of the service, as the commands make them."""

from __future__ import annotations

from tests.factories import Person, World
from tests.second_factors import enrol

VERIFY = "UPDATE users SET email_verified = true WHERE id = :id"


def grant(world: World, person: Person) -> Person:
    """Make somebody an operator by the command."""
    world.sql(VERIFY, id=person.id)
    done = world.app.test_cli_runner().invoke(args=["operators", "grant", person.email])
    assert done.exit_code == 0, done.output
    return person


def operator(world: World, organization: str | None = None) -> Person:
    """An operator who has authenticated with a second factor just now."""
    person = world.person(organization)
    enrol(person)
    return grant(world, person)
