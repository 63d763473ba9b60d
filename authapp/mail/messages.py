"""The messages of emails: `templates/` has the paragraphs of each kind, and one layout as text and one as HTML."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined, select_autoescape

from authapp.config import Settings
from authapp.core.actor import UserRecord
from authapp.core.email import Message
from authapp.core.request_context import request_info
from authapp.mail.user_agents import short_name
from authapp.web.application import current_app

MOST_NAMES = 20  # in a list
_LONGEST_NAME = 80  # characters
_LINKABLE = re.compile(r"[/:@<>\u2044\u2215\u3002\uff0e\uff0f\uff1a\uff61\u2024]+|(?<=\w)\.(?=\w)")
_PARTS = ("subject", "before", "then", "button", "after", "developers")
_ENVIRONMENT = "authapp.emails"  # in the extensions of the application
_FOLDER = "emails"  # in the template folder of a blueprint


def render(kind: str, **context: Any) -> Message:
    """A message of this kind. Text and HTML have the same paragraphs.

    Its template has the blocks `subject`, `before`, `then` (before and after when, where and with what it happened),
    `button` (the words of the link, if it has a `link`), `after`, and, for an email with a token, `developers` (the
    routes that take it).
    """
    settings = current_app.settings
    context = {"service": settings.operator_name, "address": settings.frontend_url or settings.public_url, **context}
    templates = _environment()
    template = templates.get_template(f"{kind}.txt")
    scope = template.new_context(context)
    parts = {name: _paragraphs("".join(template.blocks[name](scope))) for name in _PARTS if name in template.blocks}
    context.update({name: parts.get(name, []) for name in _PARTS})
    text = templates.get_template("layout.txt").render(context)
    html = templates.get_template("layout.html").render(context)
    return Message(parts["subject"][0], re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", html)


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a block, each in one line: the mail program wraps them."""
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip())] if text.strip() else []


def spelled(moment: datetime) -> str:
    """A moment as an email writes it."""
    return f"{moment.day} {moment:%B %Y at %H:%M} UTC"


def _environment() -> Environment:
    """The templates of the application: those of its blueprints come before authapp's of the same name."""
    if _ENVIRONMENT not in current_app.extensions:
        folders = [(bp.root_path, bp.template_folder) for bp in current_app.iter_blueprints()]
        own = [FileSystemLoader(Path(root, folder, _FOLDER)) for root, folder in folders if folder]
        made = Environment(
            loader=ChoiceLoader([*own, PackageLoader("authapp.mail")]),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters["spelled"] = spelled
        current_app.extensions[_ENVIRONMENT] = made
    return cast("Environment", current_app.extensions[_ENVIRONMENT])


def origin() -> dict[str, Any]:
    """From which address and with which program this request comes, as an email tells it."""
    info = request_info()
    return {"ip_address": info.ip_address, "user_agent": without_links(short_name(info.user_agent or ""))}


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
