"""The npm packages of clients/: installed where the lock file has changed, built where a source has."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from authapp.instance import INSTANCE, ROOT

CLIENTS = ROOT / "clients"
MODULES = CLIENTS / "node_modules"
WORKSPACES = {"js": "@authapp/client", "react": "@authapp/react", "node": "@authapp/verify"}
"""Folder and name of each package that is built, in the order in which they need each other."""

_INSTALLED = MODULES / ".package-lock.json"  # npm writes it last
_ENVIRONMENT = {"npm_config_fetch_retries": "0", "npm_config_fetch_timeout": "60000"}


class Missing(Exception):
    """The packages cannot be installed here, and why."""


def make() -> None:
    """Install and build what is not up to date.

    Raises:
        Missing: there is no npm, or it could not install.
    """
    if not shutil.which("npm"):
        raise Missing("npm is not installed, and the packages of clients/ need it.")
    with _alone():
        _install()
        for folder, name in WORKSPACES.items():
            _build(folder, name)


def npm(*arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run npm in clients/."""
    return subprocess.run(
        ["npm", *arguments],
        cwd=CLIENTS,
        env={**os.environ, **_ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Of the workers of a run, and of several runs in one clone, one at a time."""
    INSTANCE.mkdir(exist_ok=True)
    with (INSTANCE / "packages.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install() -> None:
    if MODULES.is_symlink() or _is_newer(_INSTALLED, [CLIENTS / "package-lock.json"]):
        return  # the folder of another clone is not ours to change
    installed = npm("ci", "--prefer-offline")
    if installed.returncode:
        raise Missing(f"npm cannot install the packages of clients/. {installed.stderr.strip()[-500:]}")
    _INSTALLED.touch()


def _build(folder: str, name: str) -> None:
    stamp = INSTANCE / f"packages.{folder}.built"
    built = CLIENTS / folder / "dist" / "index.js"
    if built.exists() and _is_newer(stamp, _sources_until(folder)):
        return
    stamp.touch()
    done = npm("run", "build", "--workspace", name)
    if done.returncode:
        stamp.unlink()
        raise AssertionError(f"npm run build of {name}:\n{done.stdout}{done.stderr}")


def _sources_until(folder: str) -> list[Path]:
    """What a package and those before it are made of."""
    folders = list(WORKSPACES)[: list(WORKSPACES).index(folder) + 1]
    sources = [path for one in folders for path in (CLIENTS / one / "src").rglob("*")]
    settings = [CLIENTS / one / name for one in folders for name in ("package.json", "tsconfig.json")]
    return [*sources, *settings, CLIENTS / "tsconfig.json", CLIENTS / "package-lock.json"]


def _is_newer(stamp: Path, sources: list[Path]) -> bool:
    return stamp.exists() and all(path.stat().st_mtime <= stamp.stat().st_mtime for path in sources)
