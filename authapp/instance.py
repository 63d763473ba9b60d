"""The `instance/` folder: what development uses where production is given a secret key and a database."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[1]
ROOT = _CHECKOUT if (_CHECKOUT / "pyproject.toml").exists() else Path.cwd()
"""The clone, or the working directory where authapp is installed as a package."""

INSTANCE = ROOT / "instance"


def secret_key() -> str:
    """A random key that stays the same from run to run. Only its owner can read the file."""
    INSTANCE.mkdir(exist_ok=True)
    path = INSTANCE / "secret_key"
    if not path.exists():
        draft = INSTANCE / f"secret_key.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):  # another process was first: its key is used
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def database_url() -> str:
    """Where the embedded PostgreSQL listens: a socket, no network. A running server says where in its pid file."""
    folder = postgres_folder()
    try:
        socket_folder = (folder / "postmaster.pid").read_text().splitlines()[4]
    except (OSError, IndexError):
        socket_folder = str(folder)
    return f"postgresql://authapp@/authapp?host={socket_folder}"


def emails_folder() -> Path:
    """Where development writes the emails that it prints, one file for each."""
    return INSTANCE / "emails"


def postgres_folder() -> Path:
    """The data of the embedded PostgreSQL."""
    return INSTANCE / "postgres"
