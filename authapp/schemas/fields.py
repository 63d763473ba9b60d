"""Strict fields. Whatever passes one of these can be stored, compared and logged without surprise."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema
from marshmallow.validate import Length, Range

from authapp.core import lengths
from authapp.core.enums import AuditAction, actions

PASSWORD = {"format": "password", "examples": ["SecurePassword123"]}

Check = Callable[[dict[str, Any]], dict[str, list[str]]]

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # Unicode categories: controls, direction marks, line and paragraph breaks
_VISIBLE = "LNPS"  # letters, numbers, punctuation, symbols
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and a symbol that are drawn as nothing
_JOINERS = "\u200c\u200d"  # without which Persian, Hindi and family emoji cannot be written


class Request(Schema):
    """A body or query. An unknown field is refused, never ignored.

    Args:
        check: gets the fields that are valid by themselves, also where others are not, and returns errors by field. It
            is for rules that depend on settings, so that a response names all mistakes at once.
    """

    def __init__(self, *, check: Check | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._check = check

    error_messages = {"type": "Send a JSON object."}  # noqa: RUF012  marshmallow's own name and type

    class Meta:
        unknown = RAISE

    @validates_schema(skip_on_field_errors=False)
    def _run_check(self, data: dict[str, Any], **kwargs: Any) -> None:
        if self._check and (errors := self._check(data)):
            raise ValidationError(errors)


class Reply(Schema):
    """What is answered."""

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Found at once. marshmallow itself would try each value of a record as an item first, and catch the error."""
        return obj.get(attr, default) if isinstance(obj, dict) else getattr(obj, attr, default)


class Accepted(Reply):
    """An empty object: what was asked for happens later, by email, and whether it does is not told here."""


class Text(fields.String):
    """A string in NFC of bounded length, without NUL and lone surrogates, which PostgreSQL cannot store."""

    def __init__(self, *, longest: int, shortest: int = 1, **kwargs: Any) -> None:
        length = Length(equal=longest) if shortest == longest else Length(min=shortest, max=longest)
        super().__init__(validate=length, **kwargs)
        self._at_first = Length(max=4 * longest)  # more than normalizing or trimming can make up for

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        self._at_first(value)  # before anything that takes time
        if UNSTORABLE.search(value):
            raise ValidationError("Contains a character that cannot be stored.")
        return unicodedata.normalize("NFC", value)


class SingleLine(Text):
    """One line for people to read: no control characters, no invisible direction marks, no space around it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if any(unicodedata.category(c) in _INVISIBLE and c not in _JOINERS for c in text):
            raise ValidationError("Contains an invisible or control character.")
        if text and not any(unicodedata.category(c)[0] in _VISIBLE and c not in _FILLERS for c in text):
            raise ValidationError("Contains nothing to see.")
        return text


class Password(Text):
    """A password as it is typed. Nothing is trimmed. Which may be chosen is a matter of policy, not of form."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {**PASSWORD, **kwargs.pop("metadata", {})}
        super().__init__(longest=lengths.PASSWORD, metadata=metadata, **kwargs)


class StrictInteger(fields.Integer):
    """A whole number within bounds, not in quotes."""

    def __init__(self, *, smallest: int, largest: int, **kwargs: Any) -> None:
        super().__init__(validate=Range(min=smallest, max=largest), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class QueryInteger(StrictInteger):
    """The same in a query, where everything is text: plain ASCII digits."""

    _PLAIN = re.compile(r"[0-9]{1,9}", re.ASCII)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return super()._deserialize(int(value) if self._PLAIN.fullmatch(value) else value, attr, data, **kwargs)


class StrictBoolean(fields.Boolean):
    """true or false, and no other spelling."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value is not True and value is not False:
            raise self.make_error("invalid")
        return value


class Choice(fields.Field[StrEnum]):
    """One value of an enum, in its own spelling. The OpenAPI document refers to the enum by its name.

    A reply shows what is stored, also a value that an earlier version wrote and the enum lacks.

    Args:
        among: the values that are possible. Default: all.
    """

    def __init__(self, enum: type[StrEnum], *, among: Iterable[StrEnum] | None = None, **kwargs: Any) -> None:
        self.enum = enum
        self.values = [value.value for value in among or enum]
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> StrEnum:
        if not isinstance(value, str) or value not in self.values:
            raise ValidationError(f"Choose one of {', '.join(self.values)}.")
        return self.enum(value)


class ActionChoice(Choice):
    """An action of the audit log, of authapp or of somebody's own. The OpenAPI document has both as `AuditAction`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(AuditAction, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> StrEnum:
        known = actions()
        if not isinstance(value, str) or value not in known:
            raise ValidationError(f"Choose one of {', '.join(known)}.")
        return known[value]


class Slug(Text):
    """A name for addresses: a DNS label of lower-case ASCII letters, digits and single hyphens."""

    _FORM = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not self._FORM.fullmatch(text):
            raise ValidationError("Use lower-case letters and digits, with single hyphens between them: acme-research.")
        return text


class StrictTimestamp(fields.Field[datetime]):
    """A moment in requests: RFC 3339 with its zone, `Z` or an offset."""

    _FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"type": "string", "format": "date-time", "examples": ["2030-01-31T12:00:00Z"]}
        super().__init__(metadata={**metadata, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        try:
            if not isinstance(value, str) or not self._FORM.fullmatch(value):
                raise ValueError
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(
                "Give a moment with its zone: 2030-01-31T12:00:00Z. In an address, write + as %2B."
            ) from None


class Timestamp(fields.DateTime):
    """A moment in replies: RFC 3339, UTC, milliseconds, `Z`."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class Flattened(fields.Nested):
    """An object in the reply whose values lie side by side with the others in the source."""

    def get_value(self, obj: Any, attr: str, accessor: Any = None, default: Any = None) -> Any:
        return obj


class Id(fields.UUID):
    """An id in requests, in the canonical spelling of `parse_uuid`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        parsed = parse_uuid(value) if isinstance(value, str) else None
        if parsed is None:
            raise self.make_error("invalid_uuid")
        return parsed


def parse_uuid(text: str) -> UUID | None:
    """The id in its canonical spelling, or None: no braces, no `urn:uuid:`, no missing hyphens."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None
