"""The people of a test, and the database that they are in."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import flask_migrate
from sqlalchemy import text
from werkzeug.test import TestResponse

from authapp.core.email import Message
from authapp.mail import sending
from authapp.mail.transports import MemoryMailer
from authapp.testing.caller import Caller
from authapp.testing.superuser import EMPTY_ALL_TABLES, superuser_of
from authapp.web.application import Application
from authapp.web.openapi import document

PASSWORD = "SecurePassword123"


@dataclass
class Person:
    """Someone with an account, signed in.

    Attributes:
        id: of the account.
        email: its address.
        caller: the test client that sends its access token.
        session: what the sign-in was answered with.
        joined: the organization in which `World.person` made them a member, None for others.
    """

    id: UUID
    email: str
    caller: Caller
    session: dict[str, Any]
    joined: str | None = None

    @property
    def organization_id(self) -> str:
        """The organization that they have founded or joined."""
        return self.joined or str(self.session["organization"]["id"])

    @property
    def refresh_token(self) -> str:
        return str(self.session["refresh_token"])

    def call(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        """Call a path below /api/v1."""
        return self.caller.call(method, path, json, **kwargs)


class World:
    """A database that was empty when the test began.

    Attributes:
        app: what serves its people.
        superuser: an engine of the database's superuser.
    """

    def __init__(self, app: Application, openapi: dict[str, Any]) -> None:
        self.app, self._openapi, self._numbers = app, openapi, itertools.count(1)
        self._founded: dict[str, str] = {}  # the newest organization of each name
        self.superuser = superuser_of(app.config["SQLALCHEMY_DATABASE_URI"])

    def with_app(self, app: Application) -> World:
        """The same database, served by another application with the same routes."""
        return World(app, self._openapi)

    def caller(self, access_token: str | None = None) -> Caller:
        """A test client with this access token or API key. Without one it is a stranger."""
        return Caller.of(self.app, self._openapi, access_token)

    def person(self, organization: str | None = None, *, role: str | None = None, **registration: Any) -> Person:
        """Register someone. The email that verifies the address is not sent.

        Args:
            organization: the name of one that they found, as its admin.
            role: makes them a member of the organization of that name instead. Somebody founds it first, if the test
                has none of this name yet.
            registration: members of the body of `POST /auth/register`.
        """
        body = {"email": f"person{next(self._numbers)}@example.com", "password": PASSWORD, **registration}
        if organization and role:
            return self._member(organization, role, body)
        if organization:
            body["organization_name"] = organization
        person = self._register(body)
        if organization:
            self._founded[organization] = person.organization_id
        return person

    def sign_in(self, person: Person) -> Person:
        """The same person on another device."""
        response = self.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD})
        assert response.status_code == 200, response.text
        return self._signed_in(person.email, response.get_json(), person.joined)

    def join(self, person: Person, organization_id: str, role: str) -> None:
        """Make someone a member, past the invitation."""
        self.sql(
            "INSERT INTO memberships (user_id, organization_id, role) VALUES (:user, :organization, :role)",
            user=person.id,
            organization=organization_id,
            role=role,
        )

    def api_key(self, admin: Person, organization_id: str, role: str, **wishes: Any) -> str:
        """Issue an API key.

        Args:
            admin: who issues it.
            organization_id: of the organization that it is for.
            role: that it has there.
            wishes: further members of the body of the request.
        """
        body = {"name": f"a {role}", "role": role, **wishes}
        response = admin.call("POST", f"/organizations/{organization_id}/api-keys", body)
        assert response.status_code == 201, response.text
        return str(response.get_json()["key"])

    def service_key(self, *rights: str) -> str:
        """Issue a service key, as an operator does."""
        options = [option for right in rights for option in ("--right", right)]
        name = f"service{next(self._numbers)}"
        made = self.app.test_cli_runner().invoke(args=["service-keys", "create", name, *options])
        assert made.exit_code == 0, made.output
        return made.output.split()[0]

    def invite(self, admin: Person, organization_id: str, email: str, role: str) -> str:
        """Invite an address, and give the token out of its email."""
        body = {"email": email, "role": role}
        response = admin.call("POST", f"/organizations/{organization_id}/invitations", body)
        assert response.status_code == 201, response.text
        return self.token_for(email)

    def token_for(self, recipient: str) -> str:
        """The token in the last email to somebody."""
        text = [message.text for to, message in self.emails() if to == recipient][-1]
        return str(re.findall(r"#token=([^\s&]+)", text)[-1])

    def emails(self) -> list[tuple[str, Message]]:
        """All emails so far, oldest first: to whom, and what. Those that are due are sent now."""
        with self.app.app_context():
            sending.send_due(self._mailer)
            return self._mailer.sent

    def sql(self, statement: str, **parameters: Any) -> list[Any]:
        """Read or change the database as a superuser, whom row-level security does not bind."""
        with self.superuser.begin() as connection:
            result = connection.execute(text(statement), parameters)
            return list(result) if result.returns_rows else []

    def clear(self) -> None:
        """Remove all rows, also those of tables that come with somebody's own migration and no model here knows."""
        self._mailer.sent.clear()
        with self.superuser.begin() as connection:
            connection.execute(EMPTY_ALL_TABLES)

    @property
    def _mailer(self) -> MemoryMailer:
        assert isinstance(self.app.mailer, MemoryMailer), "make the app with the settings of the fixture app_settings"
        return self.app.mailer

    def _member(self, organization: str, role: str, body: dict[str, Any]) -> Person:
        if organization not in self._founded:
            self.person(organization)
        person = self._register(body)
        person.joined = self._founded[organization]
        self.join(person, person.joined, role)
        return person

    def _register(self, body: dict[str, Any]) -> Person:
        response = self.caller().call("POST", "/auth/register", body)
        assert response.status_code == 201, response.text
        self.sql("DELETE FROM outbox WHERE recipient = :email AND kind = 'verification'", email=body["email"])
        return self._signed_in(body["email"], response.get_json())

    def _signed_in(self, email: str, session: dict[str, Any], joined: str | None = None) -> Person:
        return Person(UUID(session["user"]["id"]), email, self.caller(session["access_token"]), session, joined)


@cache
def migrated(app: Application) -> dict[str, Any]:
    """Migrate the database of an application, once in a process. Gives the application's OpenAPI document."""
    with app.app_context():
        flask_migrate.upgrade(revision="heads")
    return document(app)
