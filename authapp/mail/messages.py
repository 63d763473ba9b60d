"""The messages of emails, rendered from `templates/`."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from authapp.config import Settings
from authapp.core.actor import UserRecord
from authapp.core.email import Message
from authapp.web.application import current_app

MOST_NAMES = 20  # in a list
_LONGEST_NAME = 80  # characters
_LINKABLE = re.compile(r"[/:@<>]+|(?<=\w)\.(?=\w)")
_templates = Environment(
    loader=PackageLoader("authapp.mail"), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
)


def render(kind: str, **context: Any) -> Message:
    """A message of this kind. The first line of its text template is the subject."""
    context = {"service": current_app.settings.operator_name, **context}
    subject, _, text = _templates.get_template(f"{kind}.txt").render(context).partition("\n")
    html = _templates.get_template(f"{kind}.html").render(context)
    return Message(subject.strip(), text.strip() + "\n", html)


def link(settings: Settings, page: str, token: str | None = None, *, take_back: bool = False) -> str:
    """Where an email leads: a page of FRONTEND_URL or of ours. The token stands behind the #, which no server gets.

    Args:
        settings: those of the application.
        page: its path.
        token: the one of the email.
        take_back: the token takes an account back, so that the page can say what it removes.
    """
    address = f"{settings.frontend_url or settings.public_url}/{page}"
    fragment = f"#token={token}" + ("&take_back=1" if take_back else "")
    return address + fragment if token else address


def name_and_address(user: UserRecord) -> str:
    """How an email names a person: by the name of the account, if it has one, and always by the address."""
    name = " ".join(filter(None, (user.first_name, user.last_name)))
    return f"{without_links(name)} ({user.email})" if name else user.email


def without_links(name: str) -> str:
    """A name as an email shows it: short, and with nothing in it that a mail program would turn into a link."""
    return _LINKABLE.sub(" ", name)[:_LONGEST_NAME].strip()


def listed(names: list[str]) -> str:
    """Names as an email lists them, `MOST_NAMES` at most. Read one more, so that it says where there are others."""
    shown = ", ".join(without_links(name) for name in names[:MOST_NAMES])
    return f"{shown} and others" if len(names) > MOST_NAMES else shown
