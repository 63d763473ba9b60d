"""The people of the tests, and how they call."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

import psycopg2.extensions
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from sqlalchemy import event, text
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from authapp.core.email import Message
from authapp.db.engine import TIMEOUTS, db
from authapp.mail import sending
from authapp.mail.transports import MemoryMailer
from authapp.web.application import Application
from authapp.web.openapi import path_template
from tests.superuser import EMPTY_ALL_TABLES, superuser_of

PASSWORD = "SecurePassword123"
API = "/api/v1"
CLIENTS, ROUNDS = 16, 10  # of a race; one of two or three clients, which meet less often, takes twice as many rounds
UNKNOWN_ID = "019aab1c-7d3e-7a40-9a55-000000000000"
LOCK_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
T = TypeVar("T")
AppWith = Callable[..., Application]
"""The fixture `app_with`: makes an application with these settings changed."""


class Caller(FlaskClient):
    """A test client that holds every answer against the OpenAPI document: status, code and shape."""

    openapi: dict[str, Any]
    access_token: str | None = None

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if self.access_token and "Authorization" not in (kwargs.get("headers") or {}):
            kwargs["headers"] = {**(kwargs.get("headers") or {}), "Authorization": f"Bearer {self.access_token}"}
        response = super().open(*args, **kwargs)
        self._hold_against_document(response)
        return response

    def call(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        """Call a path below /api/v1."""
        return self.open(API + path, method=method, **({"json": json} if json is not None else {}), **kwargs)

    def _hold_against_document(self, response: TestResponse) -> None:
        declared = self._declared_responses(response)
        if response.status_code >= 400:
            assert response.content_type == "application/problem+json", response.text
            self._validate(response.json, {"$ref": "#/components/schemas/Problem"})
        if declared is None or (response.status_code in (404, 405) and str(response.status_code) not in declared):
            return
        assert str(response.status_code) in declared, f"undocumented: {response.status} {response.text}"
        content = declared[str(response.status_code)].get("content", {})
        if response.status_code >= 400:
            codes = content["application/problem+json"]["examples"]
            assert response.json is not None
            assert response.json["code"] in codes, f"undocumented code: {response.text}"
            documented = codes[response.json["code"]]["value"]
            assert response.json.keys() ^ documented.keys() <= {"errors"}, f"undocumented members: {response.text}"
            self._validate(response.json, content["application/problem+json"]["schema"])
        elif "application/json" in content:
            self._validate(response.json, content["application/json"]["schema"])

    def _declared_responses(self, response: TestResponse) -> dict[str, Any] | None:
        """What the document says of the operation that answered, None where it names no such operation."""
        try:
            rule, _ = self.application.url_map.bind("").match(
                response.request.path, method=response.request.method, return_rule=True
            )
        except HTTPException:
            return None
        operation = self.openapi["paths"].get(path_template(rule), {}).get(response.request.method.lower())
        return operation["responses"] if operation else None

    def _validate(self, body: Any, schema: dict[str, Any]) -> None:
        Draft202012Validator({**schema, "components": self.openapi["components"]}).validate(body)


@dataclass
class Person:
    """Someone with an account, signed in."""

    id: UUID
    email: str
    caller: Caller
    session: dict[str, Any]

    @property
    def organization_id(self) -> str:
        return str(self.session["organization"]["id"])

    @property
    def refresh_token(self) -> str:
        return str(self.session["refresh_token"])

    def call(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.caller.call(method, path, json, **kwargs)


class World:
    """A database that was empty when the test began."""

    def __init__(self, app: Application, openapi: dict[str, Any]) -> None:
        self.app, self._openapi, self._numbers = app, openapi, itertools.count(1)
        self.superuser = superuser_of(app.config["SQLALCHEMY_DATABASE_URI"])

    def with_app(self, app: Application, openapi: dict[str, Any] | None = None) -> World:
        """The same database, served by another application, which may have a document of its own."""
        app.test_client_class = Caller
        return World(app, openapi or self._openapi)

    def caller(self, access_token: str | None = None) -> Caller:
        caller = self.app.test_client()
        assert isinstance(caller, Caller)
        caller.openapi, caller.access_token = self._openapi, access_token
        return caller

    def person(self, organization: str | None = None, **registration: Any) -> Person:
        """Register someone, with an organization of this name. The email that verifies the address is not sent."""
        body = {"email": f"person{next(self._numbers)}@example.com", "password": PASSWORD, **registration}
        if organization:
            body["organization_name"] = organization
        response = self.caller().call("POST", "/auth/register", body)
        assert response.status_code == 201, response.text
        self.sql("DELETE FROM outbox WHERE recipient = :email AND kind = 'verification'", email=body["email"])
        return self._signed_in(body["email"], response.get_json())

    def sign_in(self, person: Person) -> Person:
        """The same person on another device."""
        response = self.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD})
        assert response.status_code == 200, response.text
        return self._signed_in(person.email, response.get_json())

    def join(self, person: Person, organization_id: str, role: str) -> None:
        """Make someone a member, past the invitation."""
        self.sql(
            "INSERT INTO memberships (user_id, organization_id, role) VALUES (:user, :organization, :role)",
            user=person.id,
            organization=organization_id,
            role=role,
        )

    def api_key(self, admin: Person, organization_id: str, role: str, **wishes: Any) -> str:
        """Issue an API key."""
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
        """All emails so far, oldest first."""
        with self.app.app_context():
            mailer = self.app.mailer
            assert isinstance(mailer, MemoryMailer)
            sending.send_due(mailer)
            return mailer.sent

    def sql(self, statement: str, **parameters: Any) -> list[Any]:
        """Read or change the database as a superuser, whom row-level security does not bind."""
        with self.superuser.begin() as connection:
            result = connection.execute(text(statement), parameters)
            return list(result) if result.returns_rows else []

    def clear(self) -> None:
        """Remove all rows, also those of tables that come with somebody's own migration and no model here knows."""
        with self.app.app_context():
            mailer = self.app.mailer
            assert isinstance(mailer, MemoryMailer)
            mailer.sent.clear()
        with self.superuser.begin() as connection:
            connection.execute(EMPTY_ALL_TABLES)

    def _signed_in(self, email: str, session: dict[str, Any]) -> Person:
        return Person(UUID(session["user"]["id"]), email, self.caller(session["access_token"]), session)


def all_at_once(actions: list[Callable[[], T]]) -> list[T]:
    """Run the actions in threads that start together."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], T]) -> T:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


@contextmanager
def statements(app: Application) -> Iterator[list[str]]:
    """The statements that both engines send meanwhile, by their first word; `one:` outside of a transaction.

    The keys of the process are loaded before, so that none of these statements loads them.
    """
    app.keys.reload()
    sent: list[str] = []

    class Overheard(psycopg2.extensions.cursor):
        def execute(self, query: Any, parameters: Any = None) -> None:
            own = query.removeprefix(TIMEOUTS)  # the time limits that each transaction begins with
            prefix = "one:" if self.connection.autocommit else ""
            sent.extend(prefix + verb.lower() for verb in own.split(maxsplit=1)[:1])
            super().execute(query, parameters)

    def overhear(connection: Any, *_: object) -> None:
        connection.cursor_factory = Overheard

    def forget(connection: Any, *_: object) -> None:
        connection.cursor_factory = None

    with app.app_context():
        listeners = [
            (engine, name, listener)
            for engine in db.engines.values()
            for name, listener in (("checkout", overhear), ("checkin", forget))
        ]
    for listener in listeners:
        event.listen(*listener)
    try:
        yield sent
    finally:
        for listener in listeners:
            event.remove(*listener)
