"""Passwords: stored slowly, compared whole, and never in the way of everybody else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event
from typing import TypeVar

import bcrypt
import pytest

from authapp.security.hash_queue import WAITING, HashQueue, HashQueueFull
from authapp.security.passwords import Hasher
from authapp.web.application import Application
from tests.factories import PASSWORD, AppWith, World

T = TypeVar("T")


@pytest.fixture
def hasher(app: Application) -> Hasher:
    return app.hasher


@pytest.mark.parametrize(
    "password", [PASSWORD, "p" * 71, "p" * 1024, "пароль-пароль-1", "👩‍🔬" * 30, " spaces kept ", "a\tb\n1"]
)
def test_a_password_verifies_against_its_own_hash_alone(hasher: Hasher, password: str) -> None:
    stored = hasher.hash(password)
    assert hasher.verify(password, stored)
    assert not hasher.verify(password + "x", stored)
    assert not hasher.verify(password[:-1] + "\x01", stored)
    assert not hasher.verify(password.swapcase() + " ", stored)


def test_what_differs_only_after_72_bytes_is_another_password(hasher: Hasher) -> None:
    stored = hasher.hash("x" * 72 + "a")
    assert not hasher.verify("x" * 72 + "b", stored)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "",
        "x",
        "ap1",
        "ap1$2b$04$short",
        "ap1$2b$99$" + "a" * 53,
        "$2b$04$" + "a" * 53,
        "ap1" + "$2b$04$" + "!" * 53,
    ],
)
def test_a_missing_or_corrupt_hash_matches_nothing_and_breaks_nothing(hasher: Hasher, stored: str | None) -> None:
    assert not hasher.verify(PASSWORD, stored)


def test_a_corrupt_stored_hash_is_an_ordinary_wrong_password(world: World) -> None:
    person = world.person()
    world.sql("UPDATE users SET password_hash = 'ap1$2b$04$corrupt'")
    response = world.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD})
    assert (response.status_code, response.get_json()["code"]) == (401, "wrong_credentials")


def test_the_pepper_is_part_of_the_hash(app: Application, app_with: AppWith) -> None:
    stored = app.hasher.hash(PASSWORD)
    assert not app_with(password_pepper="another-pepper-of-thirty-two-bytes").hasher.verify(PASSWORD, stored)


def test_a_hash_of_another_cost_is_renewed_at_sign_in(world: World, app_with: AppWith) -> None:
    person = world.person()
    costlier = app_with(bcrypt_rounds=5).test_client()
    credentials = {"email": person.email, "password": PASSWORD}
    assert costlier.post("/api/v1/auth/login", json=credentials).status_code == 200
    assert world.sql("SELECT password_hash FROM users")[0].password_hash.startswith("ap1$2b$05$")
    assert world.caller().call("POST", "/auth/login", credentials).status_code == 200
    assert world.sql("SELECT password_hash FROM users")[0].password_hash.startswith("ap1$2b$04$")


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bcrypt cost of each hash that is made from here on."""
    made: list[int] = []
    hashpw, checkpw = bcrypt.hashpw, bcrypt.checkpw

    def counted(work: Callable[[bytes, bytes], T]) -> Callable[[bytes, bytes], T]:
        def count(password: bytes, salt_or_hash: bytes) -> T:
            made.append(int(salt_or_hash[4:6]))
            return work(password, salt_or_hash)

        return count

    monkeypatch.setattr(bcrypt, "hashpw", counted(hashpw))
    monkeypatch.setattr(bcrypt, "checkpw", counted(checkpw))
    return made


@pytest.mark.parametrize(
    "stored",
    [
        "an unknown address",
        "a readable hash of cost 4",
        "ap1$2b$04$corrupt",
        "ap1$2b$04$" + "a" * 53,  # bcrypt raises this salt
        "ap1$2b$99$" + "a" * 53,
    ],
)
@pytest.mark.parametrize("rounds", [4, 5, 8])
def test_every_refused_sign_in_takes_as_many_steps_of_bcrypt(
    world: World, app_with: AppWith, costs: list[int], rounds: int, stored: str
) -> None:
    person = world.person()
    client = app_with(bcrypt_rounds=rounds).test_client()
    if stored.startswith("ap1"):
        world.sql("UPDATE users SET password_hash = :stored", stored=stored)
    email = "nobody@example.com" if stored == "an unknown address" else person.email
    costs.clear()
    refused = client.post("/api/v1/auth/login", json={"email": email, "password": "WrongPassword1"})
    assert (refused.status_code, refused.get_json()["code"]) == (401, "wrong_credentials")
    assert sum(2**cost for cost in costs) == 2**rounds


def test_a_right_password_is_hashed_once_more_where_its_hash_has_another_cost(
    world: World, app_with: AppWith, costs: list[int]
) -> None:
    credentials = {"email": world.person().email, "password": PASSWORD}
    client = app_with(bcrypt_rounds=6).test_client()
    costs.clear()
    for _ in range(2):
        assert client.post("/api/v1/auth/login", json=credentials).status_code == 200
    assert costs == [4, 6, 6]


def test_a_full_hash_queue_refuses_at_once() -> None:
    queue = HashQueue(lambda: True, waiting=2)
    with ExitStack() as slots:
        for _ in range(3):
            slots.enter_context(queue.slot())
        with pytest.raises(HashQueueFull), queue.slot():
            pass
    with queue.slot():
        pass


def test_a_request_that_waited_too_long_in_the_hash_queue_costs_no_hash() -> None:
    queue, over = HashQueue(lambda: True, longest_wait=0.1), Event()
    hashed: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(queue.run, over.wait)
        while not first.running():
            pass
        with pytest.raises(HashQueueFull):
            queue.run(hashed.append, "late")
        over.set()
        assert first.result()  # a hash that has begun is waited for
    queue.run(hashed.append, "next")
    assert hashed == ["next"]


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register"])
def test_a_full_queue_is_a_503_before_any_query(app_with: AppWith, path: str) -> None:
    app = app_with(database_url="postgresql://nobody@127.0.0.1:1/none")
    with ExitStack() as slots:
        for _ in range(1 + WAITING):
            slots.enter_context(app.hasher.queue.slot())
        body = {"email": "ada@example.com", "password": PASSWORD}
        response = app.test_client().post(f"/api/v1{path}", json=body)
    assert (response.status_code, response.get_json()["code"]) == (503, "hash_queue_full")
    assert response.headers["Retry-After"] == "1"
