"""What authapp answers to `GET /auth/check`, kept for as long as a service allows."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from authapp_verify.errors import Forbidden, Refused, Unauthenticated, Unavailable
from authapp_verify.http import CONNECTIONS, Answer, Http
from authapp_verify.tokens import Claims

AWAY = 1.0  # seconds after a failure in which a kept answer is given without asking, with on_stale="accept"
WAITING = 512  # questions of coroutines that wait for a thread
log = logging.getLogger("authapp_verify")


@dataclass(frozen=True, slots=True)
class Member:
    """Who calls, as authapp has answered."""

    subject: str
    """The account, or the API key."""
    type: str
    """`user`, `api_key` or `workload`."""
    organization_id: str | None = None
    role: str | None = None
    session_id: str | None = None
    claims: Claims | None = None
    """Of the token. An API key has none."""


class Denied(NamedTuple):
    """An error that is kept: no exception, which would keep its traceback."""

    error: type[Refused]
    detail: str
    code: str


class Question(NamedTuple):
    """What is asked, for one credential. The credential itself is not kept."""

    credential: bytes
    organization_id: str
    role: str
    permission: str

    @classmethod
    def of(cls, token: str, organization_id: str, role: str, permission: str) -> Question:
        """The question about a token or API key."""
        return cls(hashlib.sha256(token.encode()).digest(), organization_id, role, permission)

    def query(self) -> dict[str, str]:
        """The conditions that it has."""
        named = {"organization_id": self.organization_id, "role": self.role, "permission": self.permission}
        return {name: value for name, value in named.items() if value}


class Outcome(NamedTuple):
    """An answer, as old as the moment in which the question was sent."""

    asked_at: float
    answer: Member | Denied

    def member(self) -> Member:
        """The caller, or the error."""
        if isinstance(self.answer, Denied):
            raise self.answer.error(self.answer.detail, self.answer.code)
        return self.answer


class Checks:
    """Asks authapp, and keeps the last answers.

    Args:
        http: asks.
        accept_for: how old a kept answer may be, in seconds, that is given while authapp is away. 0: none is.
        size: how many answers are kept.
    """

    def __init__(self, http: Http, accept_for: float, size: int) -> None:
        self._http, self._accept_for, self._size = http, accept_for, size
        self._kept: OrderedDict[Question, Outcome] = OrderedDict()
        self._pending: dict[Question, tuple[float, Future[Outcome]]] = {}
        self._lock = threading.Lock()
        self._away_until = float("-inf")
        self._waiting = 0
        self.executor = ThreadPoolExecutor(CONNECTIONS, "authapp-verify")

    def check(self, token: str, question: Question, claims: Claims | None, max_age: float) -> Member:
        """The answer, which is at most `max_age` seconds old; 0 asks each time.

        Raises:
            Refused: as authapp does, or because it is away.
        """
        outcome = self._recent(question, max_age)
        if outcome is None:
            future, leads = self._join(question, max_age)
            if leads:
                self._answer(future, token, question, claims)
            outcome = self._outcome(future, question)
        return outcome.member()

    async def acheck(self, token: str, question: Question, claims: Claims | None, max_age: float) -> Member:
        """The same without blocking the event loop. Threads ask, and no thread waits for another one's answer."""
        outcome = self._recent(question, max_age)
        if outcome is None:
            future, leads = self._join(question, max_age)
            if leads:
                self._submit(future, token, question, claims)
            await asyncio.wrap_future(_copy(future))
            outcome = self._outcome(future, question)
        return outcome.member()

    def _recent(self, question: Question, max_age: float) -> Outcome | None:
        """A kept answer that is young enough, or is good enough while authapp is away."""
        now = time.monotonic()
        with self._lock:
            found = self._kept.get(question)
            if found:
                self._kept.move_to_end(question)
        if found and now - found.asked_at < max_age:
            return found
        return self._acceptable(found) if now < self._away_until else None

    def _acceptable(self, found: Outcome | None) -> Outcome | None:
        positive = found and isinstance(found.answer, Member)
        return found if found and positive and time.monotonic() - found.asked_at < self._accept_for else None

    def _join(self, question: Question, max_age: float) -> tuple[Future[Outcome], bool]:
        """A question that is being asked and is young enough, or a new one, which the caller has to ask."""
        now = time.monotonic()
        with self._lock:
            started, future = self._pending.get(question, (float("-inf"), None))
            if future and now - started < max_age:
                return future, False
            future = Future()
            if max_age > 0:
                self._pending[question] = (now, future)
            return future, True

    def _submit(self, future: Future[Outcome], token: str, question: Question, claims: Claims | None) -> None:
        with self._lock:
            full = self._waiting >= WAITING
            self._waiting += not full
        if full:
            self._finish(future, question, Unavailable("too many requests wait for authapp"))
            return

        submitted_at = time.monotonic()

        def run() -> None:
            with self._lock:
                self._waiting -= 1
            if time.monotonic() - submitted_at > self._http.timeout:
                self._finish(future, question, Unavailable("a question has waited too long for a thread"))
            else:
                self._answer(future, token, question, claims)

        self.executor.submit(run)

    def _answer(self, future: Future[Outcome], token: str, question: Question, claims: Claims | None) -> None:
        """Ask, and tell all who wait."""
        asked_at = time.monotonic()
        try:
            found = self._http.get(f"{self._http.url}/api/v1/auth/check", token, question.query())
            outcome = Outcome(asked_at, _read(found, question, claims))
        except BaseException as error:
            self._finish(future, question, error)
            if not isinstance(error, Unavailable):
                raise
            log.warning("A check was not answered: %s", error)
            return
        self._away_until = float("-inf")
        if claims:  # anybody can make up API keys, which would push the answers to others out
            self._keep(question, outcome)
        self._finish(future, question, outcome)

    def _finish(self, future: Future[Outcome], question: Question, result: Outcome | BaseException) -> None:
        if isinstance(result, Unavailable) and self._accept_for:
            self._away_until = time.monotonic() + AWAY
        with self._lock:
            if self._pending.get(question, (0, None))[1] is future:
                del self._pending[question]
        if isinstance(result, Outcome):
            future.set_result(result)
        else:
            future.set_exception(result)

    def _keep(self, question: Question, outcome: Outcome) -> None:
        """Keep an answer, unless that to a later question is there already."""
        with self._lock:
            known = self._kept.get(question)
            if known is None or known.asked_at <= outcome.asked_at:
                self._kept[question] = outcome
                self._kept.move_to_end(question)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def _outcome(self, future: Future[Outcome], question: Question) -> Outcome:
        """What was answered. While authapp is away, the last positive answer where that is accepted."""
        try:
            return future.result()
        except Unavailable as error:
            with self._lock:
                found = self._kept.get(question)
            if found := self._acceptable(found):
                return found
            raise Unavailable(error.reason) from None


def _copy(future: Future[Outcome]) -> Future[None]:
    """A future that is done when this one is: its waiter may be cancelled, and the others wait on."""
    copy: Future[None] = Future()
    copy.set_running_or_notify_cancel()
    future.add_done_callback(lambda _: copy.set_result(None))
    return copy


def _read(answer: Answer, question: Question, claims: Claims | None) -> Member | Denied:
    """The caller whom authapp lets pass, or why it does not."""
    if answer.status in (401, 403):
        error = Unauthenticated if answer.status == 401 else Forbidden
        told = answer.json()
        return Denied(error, str(told.get("detail", error.code)), str(told.get("code", error.code)))
    headers = answer.headers
    member = Member(
        headers.get("x-auth-subject", ""), headers.get("x-auth-type", ""), headers.get("x-auth-organization"),
        headers.get("x-auth-role"), headers.get("x-auth-session"), claims,
    )  # fmt: skip
    fits = bool(member.subject and member.type) and (claims is None or claims.sub == member.subject)
    if question.organization_id:
        fits = fits and member.organization_id == question.organization_id and bool(member.role)
    if answer.status != 204 or not fits:
        raise Unavailable(f"the check answers {answer.status}, or about somebody else")
    return member
