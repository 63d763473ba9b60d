"""What no Flask service can be faster than: bare Flask, and one that does the least that is authentication."""

from __future__ import annotations

import os
from typing import Any

import jwt
import psycopg2
from flask import Flask, Response, jsonify, request
from sqlalchemy import QueuePool

bare = Flask("bare")
fast = Flask("fast")


def _connect() -> Any:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    return connection


pool = QueuePool(_connect, pool_size=8, reset_on_return=None)

COLUMNS = (
    "id", "email", "email_verified", "first_name", "last_name",
    "is_active", "mfa_enabled", "last_login_at", "created_at", "updated_at",
)  # fmt: skip
BY_KEYS = (
    f"SELECT {', '.join(f'users.{name}' for name in COLUMNS)} FROM sessions JOIN users ON users.id = sessions.user_id"
    " WHERE sessions.id = %s AND users.id = %s AND sessions.ended_at IS NULL AND sessions.expires_at > now()"
    " AND users.is_active AND users.deleted_at IS NULL"
)


@bare.get("/api/v1/hello")
def hello() -> Response:
    return jsonify(hello="world")


@fast.get("/api/v1/auth/me")
def me() -> Response:
    """One decode, one SELECT, one jsonify."""
    claims = jwt.decode(
        request.headers["Authorization"].removeprefix("Bearer "),
        os.environ["JWT_SECRET_KEY"],
        algorithms=["HS256"],
        audience="authapp",
        issuer=os.environ["JWT_ISSUER"],
    )
    connection = pool.connect()
    cursor = connection.cursor()
    cursor.execute(BY_KEYS, (claims["sid"], claims["sub"]))
    [row] = cursor.fetchall()
    cursor.close()
    connection.close()
    return jsonify({name: _plain(value) for name, value in zip(COLUMNS, row, strict=True)})


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
