"""Runs the whole Postman collection with newman against `make run`, tokens of emails included: `make postman`.

Only an email has the token of an invitation. So the collection runs in parts: a part ends before a request that needs
such a token, and the token is read from the files that development writes to `instance/emails`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.postman.tour import EMAILS

NEWMAN = ["npx", "--yes", "newman@6.2.2", "run"]
HERE = Path(__file__).parent
COLLECTION, ENVIRONMENT = HERE / "authapp.postman_collection.json", HERE / "authapp.postman_environment.json"
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
                values[name] = token_in_email(emails, reached[recipient], subject)
            part.write_text(json.dumps({**collection, "item": items}), "utf-8")
            variables = [argument for name, value in values.items() for argument in ("--env-var", f"{name}={value}")]
            files = ["--environment", str(environment), "--export-environment", str(environment)]
            code = subprocess.run([*NEWMAN, str(part), *files, *variables], check=False).returncode
            if code:
                return code
    return 0


def parts(folders: list[dict[str, Any]]) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    """The tokens that the first request of each part needs, and the folders of the part."""
    read: set[str] = set()
    needed: list[str] = []
    part: list[dict[str, Any]] = []
    for folder in folders:
        part.append({**folder, "item": []})
        for item in folder["item"]:
            request = json.dumps(item["request"])
            new = [name for name in EMAILS if name not in read and f"{{{{{name}}}}}" in request]
            if new:
                yield needed, part
                needed, part = new, [{**folder, "item": []}]
                read.update(new)
            part[-1]["item"].append(item)
    yield needed, part


def token_in_email(folder: Path, recipient: str, subject: str) -> str:
    """The token of the newest email to this recipient with these words in its subject, once it is there."""
    email = re.compile(
        rf"To: {re.escape(recipient)}\nSubject: [^\n]*{re.escape(subject)}.*?#token=([^\s&]+)", re.DOTALL
    )
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while time.monotonic() < deadline:
        for file in sorted(folder.glob("*.txt"), reverse=True):
            if found := email.match(file.read_text("utf-8")):
                return found[1]
        time.sleep(0.2)
    raise NoEmail(
        f"No email to {recipient} in {folder}. Did `make run` start the server, in this clone and without MAIL_URL?"
    )


if __name__ == "__main__":
    if shutil.which("npx") is None:
        sys.exit("newman needs npx, which comes with Node.js.")
    base_url, emails = sys.argv[1:]
    try:
        urllib.request.urlopen(f"{base_url}/healthz", timeout=5).close()
    except OSError:
        sys.exit(f"Nothing answers at {base_url}. Start it in another terminal: make run")
    try:
        sys.exit(run(base_url, Path(emails)))
    except NoEmail as error:
        sys.exit(str(error))
