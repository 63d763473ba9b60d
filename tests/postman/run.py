"""Runs the whole Postman collection with newman against `make run`, tokens of emails included: `make postman`.

Only an email has the token of an invitation. So the collection runs in parts: before each request that needs such a
token, a part ends, and the token is read from the files that development writes to `instance/emails`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.postman.tour import EMAILS

NEWMAN = ["npx", "--yes", "newman@6.2.2", "run"]
HERE = Path(__file__).parent
COLLECTION, ENVIRONMENT = HERE / "authapp.postman_collection.json", HERE / "authapp.postman_environment.json"
EMAILS_FOLDER = HERE.parents[1] / "instance" / "emails"
SECONDS_TO_WAIT = 30.0


class NoEmail(Exception):
    """The email did not come in time."""


def run(base_url: str, emails: Path) -> int:
    """Run the collection part by part. Returns the exit code of newman."""
    collection = json.loads(COLLECTION.read_text("utf-8"))
    values = {"base_url": base_url}
    with tempfile.TemporaryDirectory() as folder:
        part, environment = Path(folder) / "authapp.json", Path(folder) / "environment.json"
        environment.write_text(ENVIRONMENT.read_text("utf-8"), "utf-8")
        for needed, items in parts(collection["item"]):
            reached = {value["key"]: value["value"] for value in json.loads(environment.read_text("utf-8"))["values"]}
            for name in needed:
                recipient, subject = EMAILS[name]
                values[name] = token_in_email(emails, reached[recipient.strip("{}")], subject)
            part.write_text(json.dumps({**collection, "item": items}), "utf-8")
            variables = [argument for name, value in values.items() for argument in ("--env-var", f"{name}={value}")]
            files = ["--environment", str(environment), "--export-environment", str(environment)]
            code = subprocess.run([*NEWMAN, str(part), *files, *variables], check=False).returncode
            if code:
                return code
    return 0


def parts(folders: list[dict[str, Any]]) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    """The tokens that a part needs, and its folders. A folder is divided before its first request that needs one."""
    needed: list[str] = []
    items: list[dict[str, Any]] = []
    for folder in folders:
        names = [name for name in EMAILS if f"{{{{{name}}}}}" in json.dumps(folder["item"])]
        rest = folder["item"]
        if new := [name for name in names if name not in needed]:
            first = next(n for n, item in enumerate(rest) if any(f"{{{{{name}}}}}" in json.dumps(item) for name in new))
            yield needed, [*items, {**folder, "item": rest[:first]}]
            needed, items, rest = new, [], rest[first:]
        items.append({**folder, "item": rest})
    yield needed, items


def token_in_email(folder: Path, recipient: str, subject: str) -> str:
    """The token of the newest email to this recipient with these words in its subject, once it is there."""
    email = re.compile(rf"To: {re.escape(recipient)}\nSubject: [^\n]*{re.escape(subject)}.*?#token=(\S+)", re.DOTALL)
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while time.monotonic() < deadline:
        for file in sorted(folder.glob("*.txt"), reverse=True):
            if found := email.match(file.read_text("utf-8")):
                return found[1]
        time.sleep(0.2)
    raise NoEmail(f"No email to {recipient} in {folder}. Is this the server that `make run` started in this folder?")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url", nargs="?", default="http://localhost:8000")
    parser.add_argument("--emails", type=Path, default=EMAILS_FOLDER, help="the folder of the emails")
    arguments = parser.parse_args()
    try:
        sys.exit(run(arguments.base_url, arguments.emails))
    except NoEmail as error:
        sys.exit(str(error))
