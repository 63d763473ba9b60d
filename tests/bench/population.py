"""Databases full of people, loaded in bulk, and the credentials of some of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import flask_migrate
from sqlalchemy import select

from authapp import create_app
from authapp.config import Settings
from authapp.db.engine import db
from authapp.db.tenancy import set_account
from authapp.db.transaction import commit
from authapp.dev.postgres import create_database
from authapp.models import Membership, User
from authapp.services import sessions, sign_in
from authapp.web.application import Application
from tests.bench.servers import ISSUER, SECRET, Postgres
from tests.factories import PASSWORD

# User n belongs to organization 1 while there is room, then to the others by turns; the first of each is its admin.
LOAD = """
SET LOCAL session_replication_role = replica; -- no triggers
CREATE TEMP TABLE o ON COMMIT DROP AS SELECT n, uuidv7() AS id FROM generate_series(1, {organizations}) AS n;
CREATE TEMP TABLE u ON COMMIT DROP AS SELECT n, uuidv7() AS id FROM generate_series(1, {users}) AS n;
INSERT INTO organizations (id, name, slug) SELECT id, 'Organization ' || n, 'organization-' || n FROM o;
INSERT INTO users (id, email, password_hash, first_name)
SELECT id, 'user' || n || '@example.com', '{password_hash}', 'User' FROM u;
INSERT INTO memberships (user_id, organization_id, role)
SELECT u.id, o.id, CASE WHEN u.n = 1 OR u.n - {biggest} BETWEEN 1 AND {organizations} - 1 THEN 'admin' ELSE 'viewer' END
FROM u JOIN o ON o.n = CASE WHEN u.n <= {biggest} THEN 1 ELSE 2 + u.n % ({organizations} - 1) END;
INSERT INTO sessions (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, ends_at_latest)
SELECT uuidv7(), id, uuidv7(), now(), '{{pwd}}', now(), now() + interval '7 days', now() + interval '30 days' FROM u
"""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    email: str
    organization_id: str
    access_token: str
    refresh_token: str


class Population:
    """A database, and an application that makes credentials for it."""

    def __init__(
        self, server: Postgres, name: str, *, users: int, organizations: int, biggest: int, bcrypt_rounds: int
    ) -> None:
        create_database(server.socket_folder, name)
        self.name, self.url, self.users, self.bcrypt_rounds = name, server.url(name), users, bcrypt_rounds
        self.app: Application = create_app(
            Settings(
                app_env="testing",
                secret_key=SECRET,
                jwt_secret_key=SECRET,
                jwt_issuer=ISSUER,
                access_token_expire_minutes=120,
                database_url=self.url,
                bcrypt_rounds=bcrypt_rounds,
                log_level="WARNING",
            )
        )
        with self.app.app_context():
            flask_migrate.upgrade()
        password_hash = self.app.hasher.hash(PASSWORD)
        server.execute(
            name,
            LOAD.format(users=users, organizations=organizations, biggest=biggest, password_hash=password_hash),
            "VACUUM ANALYZE",
            "CHECKPOINT",
        )

    def people(self, numbers: Iterable[int]) -> list[Person]:
        """Sign in the users of these numbers."""
        with self.app.app_context():
            people = [self._person(f"user{number}@example.com") for number in numbers]
            commit()
        return people

    def spread(self, count: int) -> list[Person]:
        """Sign in so many users, from all over the table."""
        return self.people(range(1, self.users + 1, self.users // count))

    def _person(self, email: str) -> Person:
        user_id = db.session.scalar(select(User.id).where(User.email == email, User.deleted_at.is_(None)))
        assert user_id
        signed_in = sessions.start(user_id, sign_in.PASSWORD)
        set_account(user_id)
        organization_id = db.session.scalar(select(Membership.organization_id).where(Membership.user_id == user_id))
        return Person(email, str(organization_id), signed_in.access_token, signed_in.refresh_token)
