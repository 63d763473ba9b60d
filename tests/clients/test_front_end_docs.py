"""The code of docs/front-end.md: its types are right, and what is wrong would be found."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.packages import npm
from tests.pages import page

pytestmark = pytest.mark.xdist_group("npm")
SNIPPET = re.compile(r"^```(?:tsx?|svelte)\n(?://|<!--) (\S+)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```(?:tsx?|svelte)$", re.MULTILINE)
"""Of code in one of the languages that are checked."""
WRONG = {
    "app/auth.tsx": ("<AuthProvider client={client}>", "<AuthProvider>", "Property 'client' is missing"),
    "App.tsx": ('role="admin"', "role={1}", "'number' is not assignable"),
    "app/layout.tsx": ('title: "Acme MLOps"', "title: 1", "'number' is not assignable"),
    "app/experiments/page.tsx": ("router.replace(", "router.redirect(", "'redirect' does not exist"),
    "src/routes/app/+layout.ts": ("redirect(307,", 'redirect("307",', "'\"307\"' is not assignable"),
    "src/lib/auth.ts": ("readable<State>(client.state,", "readable<State>(client.status,", "'status' does not exist"),
}
"""Of each package that the snippets use: what is right, what is not, and a part of the error."""


def snippets() -> dict[str, str]:
    """The code of the page, by the name of the file that its first line says."""
    text = page("docs/front-end.md")
    found = dict(SNIPPET.findall(text))
    assert len(found) == len(FENCE.findall(text)) > 0, "a block does not say its file name, or says one twice"
    return found


@pytest.fixture(scope="module")
def project(packages: Path) -> Iterator[Path]:
    """clients/snippets with Next.js and SvelteKit, and the code of the page in its folder build."""
    folder = packages / "snippets"
    installed, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = npm("ci", "--omit=optional", "--prefer-offline", "--prefix", "snippets")
        if done.returncode:
            pytest.skip(f"npm cannot install the packages of clients/snippets. {done.stderr.strip()[-500:]}")
        installed.touch()
    yield folder
    shutil.rmtree(folder / "build", ignore_errors=True)


def errors_of(project: Path, files: dict[str, str]) -> list[str]:
    """What tsc says of the files."""
    build = project / "build"
    shutil.rmtree(build, ignore_errors=True)
    for name, text in files.items():
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        (build / name).write_text(text)
    done = run(project, "../node_modules/.bin/tsc", "--pretty", "false")
    errors = re.findall(r"^\S+\(\d+,\d+\): error .*", done.stdout, re.MULTILINE)
    assert (done.returncode == 0) == (not errors), done.stdout + done.stderr
    return errors


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_the_types_of_the_snippets_are_right_and_the_components_compile(project: Path) -> None:
    files = snippets()
    assert errors_of(project, files) == []
    components = [f"build/{name}" for name in files if name.endswith(".svelte")]
    compiled = run(project, "node", "compile.mjs", *components)
    assert (len(components), compiled.returncode, compiled.stderr) == (1, 0, "")


def test_tsc_finds_what_is_wrong_in_each_of_some_snippets(project: Path) -> None:
    files = snippets()
    for name, (right, wrong, _) in WRONG.items():
        assert files[name].count(right) == 1, name
        files[name] = files[name].replace(right, wrong)
    found = errors_of(project, files)
    missed = [
        name
        for name, (*_, error) in WRONG.items()
        if not any(line.startswith(f"build/{name}(") and error in line for line in found)
    ]
    assert missed == [], found
