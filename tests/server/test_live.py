"""The service as a stranger meets it: gunicorn in processes of its own, started as the README says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from authapp.config import Settings
from authapp.instance import ROOT
from tests.factories import API, PASSWORD
from tests.live import SAID, ask, lines_of, running

README = (ROOT / "README.md").read_text()
[NEWMAN] = re.findall(r"newman@\S+", (ROOT / "Makefile").read_text())
COLLECTION = ROOT / "tests" / "postman" / "authapp.postman_collection.json"
pytestmark = pytest.mark.xdist_group("live")  # one after the other: they share two cores


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The sources alone, in another folder, so that its `instance/` is its own."""
    for name in ("authapp", "migrations"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("config.py", "wsgi.py"):
        shutil.copy(ROOT / name, tmp_path)
    tmp_path.chmod(0o755)
    return tmp_path


def offspring(folder: Path) -> list[psutil.Process]:
    """Processes that were started from this folder or keep their data below it."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(folder) in words or (process.info["environ"] or {}).get("PYTHONPATH") == str(folder):
            found.append(process)
    return found


def test_the_first_steps_work_restarts_keep_the_data_and_ctrl_c_leaves_nothing(clone: Path) -> None:
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    with running(clone) as (_, port):
        assert ask(port, "POST", f"{API}/auth/register", credentials)[0] == 201
    assert offspring(clone) == []

    with running(clone) as (server, port):  # and now killed, as by a power cut
        assert ask(port, "POST", f"{API}/auth/login", credentials)[0] == 200
        server.kill()
        server.wait()
    deadline = time.monotonic() + 20
    while any(
        re.search("gunicorn|development", " ".join(process.info["cmdline"] or [])) for process in offspring(clone)
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)

    with running(clone) as (_, port):
        status, session = ask(port, "POST", f"{API}/auth/login", credentials)
        assert status == 200
        assert ask(port, "GET", f"{API}/auth/me", token=session["access_token"])[0] == 200
    assert offspring(clone) == []


def test_profiles_stay_quick_and_sign_ins_go_on_while_32_clients_storm_the_login(server: int) -> None:
    credentials = {"email": "storm@example.com", "password": PASSWORD}
    token = ask(server, "POST", f"{API}/auth/register", credentials)[1]["access_token"]
    over = threading.Event()
    statuses: Counter[int] = Counter()

    def storm() -> None:
        while not over.is_set():
            statuses[ask(server, "POST", f"{API}/auth/login", credentials)[0]] += 1

    clients = [threading.Thread(target=storm) for _ in range(32)]
    for client in clients:
        client.start()
    answers = []
    for _ in range(60):
        answers.append(ask(server, "GET", f"{API}/auth/me", token=token)[0])
        time.sleep(0.05)
    over.set()
    for client in clients:
        client.join()
    assert set(answers) == {200}
    assert set(statuses) == {200}  # all wait in the hash queue, and none is refused
    assert statuses[200] >= 32


def test_the_postman_collection_runs_as_the_readme_says(server: int) -> None:
    if shutil.which("npx") is None:
        pytest.skip("needs npx, of Node.js, to run newman")
    newman("make", "postman", f"PORT={server}")


def test_the_postman_collection_runs_whole_with_the_tokens_of_its_emails(
    server: int, tmp_path: Path, socket_folder: str, worker_id: str
) -> None:
    if shutil.which("npx") is None:
        pytest.skip("needs npx, of Node.js, to run newman")
    command = ["npx", "--yes", NEWMAN, "run", str(COLLECTION)]
    first = ["1 Start here", "2 My account", "3 Organizations", "4 Invitations"]
    environment, reached = str(COLLECTION).replace("collection", "environment"), str(tmp_path / "reached.json")
    address = ["--env-var", f"base_url=http://localhost:{server}"]
    newman(*command, "-e", environment, *address, "--export-environment", reached, *folders(first))
    with psycopg2.connect(host=socket_folder, user="postgres", dbname=f"live_{worker_id}") as database:
        wait_for_empty_outbox(database)
    values = {value["key"]: value["value"] for value in json.loads(Path(reached).read_text())["values"]}
    emails = {
        "invitation_token": (values["invited_email"], "Analytical Engines Ltd"),
        "accepted_token": (values["invited_email"], "Acme Research"),
        "declined_token": ("charles@example.com", ""),
    }
    tokens = [f"{name}={token_in_email(server, *email)}" for name, email in emails.items()]
    with_letters = [item["name"] for item in folder("4 Invitations") if "_token}}" in json.dumps(item["request"])]
    rest = [item["name"] for item in json.loads(COLLECTION.read_text())["item"] if item["name"] not in first]
    told = [argument for token in tokens for argument in ("--env-var", token)]
    said = newman(*command, "-e", reached, *told, *folders(with_letters + rest))
    assert "Skipped:" not in said


def wait_for_empty_outbox(database: Any) -> None:
    """Until then the last email to somebody may be one that has been replaced."""
    database.autocommit = True
    with database.cursor() as cursor:
        waiting = True
        while waiting:
            cursor.execute("SELECT count(*) FROM outbox WHERE sent_at IS NULL")
            [[waiting]] = cursor.fetchall()
            time.sleep(0.1)


def newman(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def folders(names: list[str]) -> list[str]:
    return [argument for name in names for argument in ("--folder", name)]


def folder(name: str) -> list[dict[str, Any]]:
    items = {item["name"]: item["item"] for item in json.loads(COLLECTION.read_text())["item"]}
    return list(items[name])


def test_the_docs_page_shows_every_operation_in_a_browser(server: int, openapi: dict[str, Any], tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs chromium")
    flags = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync
        --disable-component-update --disable-quic --virtual-time-budget=10000 --dump-dom""".split()  # noqa: SIM905
    page = subprocess.run(
        [browser, *flags, f"--user-data-dir={tmp_path}", f"http://localhost:{server}/docs"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    shown = set(re.findall(r'id="operations-(?!tag-)\w+-(\w+)"', page))
    named = {o["operationId"] for path in openapi["paths"].values() for m, o in path.items() if m != "parameters"}
    assert shown == named


def test_the_tour_of_the_readme_runs_as_it_stands(server: int, tmp_path: Path) -> None:
    tour = re.findall(r"^```bash\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert len(tour) >= 8
    script = "\n".join(tour).replace("localhost:8000", f"localhost:{server}").replace("curl -s", "curl -sS --fail")
    tourist = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, _ = tourist.communicate(token_in_email(server, "grace@example.com") + "\n")
    assert tourist.returncode == 0, said
    assert '"access_token"' in said
    assert '"slug":"acme-research' in said
    assert said.count("grace@example.com") >= 2
    assert '"role":"developer"' in said


def token_in_email(server: int, recipient: str, organization: str = "") -> str:
    """The token in the last email to somebody, from somewhere, that the server has printed, once it has."""
    email = re.compile(rf"To: {re.escape(recipient)}\nSubject: [^\n]*{organization}\n.*?#token=(\S+)", re.DOTALL)
    deadline = time.monotonic() + 30
    while not (found := email.findall(lines_of(SAID[server]))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return str(found[-1])


def test_the_commands_of_the_readme_run_as_they_stand(settings: Settings) -> None:
    [commands] = re.findall(r"^```\n\. \.venv/bin/activate\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DATABASE_URL": settings.database_url}
    done = subprocess.run(
        ["sh", "-eu", "-c", commands], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "/api/v1/auth/login" in done.stdout
