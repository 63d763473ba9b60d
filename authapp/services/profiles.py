"""The profile of an account: further fields, which the schema of the application describes."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from marshmallow import ValidationError
from sqlalchemy import ColumnElement, Text, cast, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from authapp.core.errors import ValidationFailed
from authapp.db import transaction
from authapp.models import User
from authapp.schemas.fields import UNSTORABLE
from authapp.web.application import current_app

LARGEST = 8 * 1024  # bytes of JSON
_TOO_LARGE = f"This would make the profile larger than {LARGEST // 1024} KiB."
MEMBER = "profile"


def errors(body: dict[str, Any], *, partial: bool = False) -> dict[str, Any]:
    """What is wrong with the member `profile` of a body, by field.

    Args:
        body: what was sent.
        partial: whether required fields may be left out.
    """
    if MEMBER not in body:
        return {}
    if current_app.profile is None:
        return {MEMBER: ["Unknown field."]}
    try:
        _require_small(_load(body[MEMBER], partial=partial))
    except ValidationError as error:
        return {MEMBER: error.messages}
    return {}


def change_errors(body: dict[str, Any]) -> dict[str, Any]:
    """The same of a change."""
    return errors(body, partial=True)


def to_store(values: dict[str, Any]) -> dict[str, Any]:
    """The columns of a new account, with its profile, if it has one, as it is stored."""
    if MEMBER not in values:
        return values
    loaded = _load(values[MEMBER])
    return {**values, MEMBER: {name: value for name, value in loaded.items() if value is not None}}


def of_account(user_id: UUID) -> dict[str, Any]:
    """The member `profile` of an account, for an answer: the fields that the schema has. Nothing without a schema."""
    schema = current_app.profile
    if schema is None:
        return {}
    stored, names = _read(user_id), [field.data_key or name for name, field in schema.dump_fields.items()]
    return {MEMBER: {name: stored[name] for name in names if name in stored}}


def changes_of(user_id: UUID, given: Any) -> dict[str, Any]:
    """What a change really changes of the profile of a locked account. None: the field is removed.

    Raises:
        ValidationFailed: the profile would be too large.
    """
    stored = _read(user_id)
    changes = {name: value for name, value in _load(given, partial=True).items() if value != stored.get(name)}
    try:
        _require_small({**stored, **changes})
    except ValidationError as error:
        raise ValidationFailed(errors={"json": {MEMBER: error.messages}}) from None
    return changes


def changed(changes: dict[str, Any]) -> ColumnElement[Any]:
    """The column with these changes, as an expression: what another request has stored in other fields stays."""
    present = {name: value for name, value in changes.items() if value is not None}
    removed = cast(list(changes.keys() - present.keys()), ARRAY(Text))
    return User.profile.op("||")(literal(present, JSONB)).op("-")(removed)


def _read(user_id: UUID) -> dict[str, Any]:
    return transaction.scalar(select(User.profile).where(User.id == user_id)) or {}


def _load(given: Any, *, partial: bool = False) -> dict[str, Any]:
    """What was sent, checked by the schema and as JSON.

    Raises:
        ValidationError: as the schema says, or PostgreSQL cannot store it.
    """
    schema = current_app.profile
    if schema is None:
        raise LookupError("this application has no schema for profiles")
    if not isinstance(given, dict):
        raise ValidationError("Send a JSON object.")
    dumped = schema.dump(schema.load(given, partial=list(schema.load_fields) if partial else None))  # not inner fields
    names = [field.data_key or name for name, field in schema.load_fields.items()]
    loaded = {name: dumped[name] for name in names if name in dumped and (name in given or not partial)}
    _require_storable(loaded)
    return loaded


def _require_storable(value: dict[str, Any]) -> None:
    """PostgreSQL stores no NUL and no lone surrogate in a text, and JSON has no infinite numbers."""
    level: list[Any] = [value]
    while level:
        inner: list[Any] = []
        for each in level:
            if isinstance(each, str) and UNSTORABLE.search(each):
                raise ValidationError("Contains a character that cannot be stored.")
            if isinstance(each, float) and each - each != 0:
                raise ValidationError("Contains a number that cannot be stored.")
            if isinstance(each, dict):
                inner += [*each.keys(), *each.values()]
            elif isinstance(each, (list, tuple)):
                inner += each
        level = inner


def _require_small(profile: dict[str, Any]) -> None:
    if len(json.dumps(profile, ensure_ascii=False).encode()) > LARGEST:
        raise ValidationError(_TOO_LARGE)
