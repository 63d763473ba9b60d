"""The service as a stranger meets it: gunicorn in processes of its own, started as the README says."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psutil
import pytest

from authapp.config import Settings
from authapp.instance import ROOT
from tests.factories import API, PASSWORD
from tests.live import EMAILS, SAID, ask, lines_of, running
from tests.pages import page
from tests.postman.run import token_in_email

README = page("README.md")
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
    deadline = time.monotonic() + 60
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


def test_a_changed_file_reloads_the_server_and_neither_a_syntax_error_nor_a_reset_of_the_database_ends_it(
    clone: Path,
) -> None:
    wsgi, postmaster = clone / "wsgi.py", clone / "instance" / "postgres" / "postmaster.pid"
    source, route = wsgi.read_text(), 'app.add_url_rule("/new", view_func=public(lambda: "new"))\n'
    with running(clone) as (_, port):
        started = postmaster.read_text().splitlines()[0]
        wsgi.write_text(source + "a syntax error")
        wait_until(lambda: "SyntaxError" in lines_of(SAID[port]))
        wsgi.write_text(source + "from authapp import public\n" + route)
        wait_until(lambda: status_of(port, "/new") == 200)
        assert ask(port, "POST", f"{API}/auth/register", {"email": "ada@example.com", "password": PASSWORD})[0] == 201
        assert database(clone, "psql", said="SELECT email FROM users").splitlines()[2].strip() == "ada@example.com"
        assert "empty" in database(clone, "reset")
        assert ask(port, "POST", f"{API}/auth/register", {"email": "ada@example.com", "password": PASSWORD})[0] == 201
        assert postmaster.read_text().splitlines()[0] == started
        assert lines_of(SAID[port]).count("authapp is running") == 1
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), 1)  # it listens on loopback's own addresses alone
    assert database(clone, "psql", said="SELECT count(*) FROM users").splitlines()[2].strip() == "1"
    assert offspring(clone) == []


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def status_of(port: int, path: str) -> int:
    """0 while the server restarts."""
    try:
        return int(urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def database(folder: Path, *arguments: str, said: str = "", **environment: str) -> str:
    """What a command of `authapp.dev.database` answers, as `make psql` and the like run it."""
    done = subprocess.run(
        [sys.executable, "-m", "authapp.dev.database", *arguments],
        cwd=folder,
        env={**os.environ, "APP_ENV": "development", "PYTHONPATH": str(folder)} | environment,
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"DATABASE_URL": "postgres://127.0.0.1:1/other"}, "DATABASE_URL does not name the embedded PostgreSQL"),
        ({"DATABASE_URL": "postgres://127.0.0.1:1/other", "FORCE": "1"}, "Start the PostgreSQL of DATABASE_URL"),
        (
            {
                "APP_ENV": "production",
                "DATABASE_URL": "postgres://127.0.0.1:1/other",
                "FORCE": "1",
                "PUBLIC_URL": "https://auth.example.com",
                "SECRET_KEY": "kK3v0Jq8zYw2mXn5tRb7cLd9fGh1pSa4uE6",
            },
            "APP_ENV is production",
        ),
    ],
)
def test_db_reset_refuses_another_database_without_force_and_production_always(
    tmp_path: Path, environment: dict[str, str], reason: str
) -> None:
    assert reason in database(tmp_path, "reset", **{"PYTHONPATH": str(ROOT), **environment})


def test_profiles_stay_quick_and_sign_ins_go_on_while_32_clients_storm_the_login(server: int) -> None:
    accounts = [{"email": f"storm{number}@example.com", "password": PASSWORD} for number in range(8)]
    sessions = [ask(server, "POST", f"{API}/auth/register", credentials)[1] for credentials in accounts]
    token = sessions[0]["access_token"]
    over = threading.Event()
    statuses: Counter[int] = Counter()

    def storm(credentials: dict[str, str]) -> None:
        while not over.is_set():
            statuses[ask(server, "POST", f"{API}/auth/login", credentials)[0]] += 1

    clients = [threading.Thread(target=storm, args=[accounts[number % 8]]) for number in range(32)]
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


def test_the_postman_collection_runs_whole_with_the_tokens_of_its_emails(server: int) -> None:
    if shutil.which("npx") is None:
        pytest.skip("needs npx, of Node.js, to run newman")
    command = ["make", "postman", f"PORT={server}", f"EMAILS={EMAILS[server]}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped:" not in done.stdout


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
    said, _ = tourist.communicate(token_in_email(EMAILS[server], "grace@example.com", "") + "\n")
    assert tourist.returncode == 0, said
    assert '"access_token"' in said
    assert '"slug":"acme-research' in said
    assert said.count("grace@example.com") >= 2
    assert '"role":"developer"' in said


def test_the_commands_of_the_readme_run_as_they_stand(settings: Settings) -> None:
    [commands] = re.findall(r"^```\n\. \.venv/bin/activate\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DATABASE_URL": settings.database_url}
    done = subprocess.run(
        ["sh", "-eu", "-c", commands], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "/api/v1/auth/login" in done.stdout
