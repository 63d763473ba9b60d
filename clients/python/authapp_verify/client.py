"""One authapp, as a service behind it sees it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from authapp_verify import tokens
from authapp_verify.checks import Checks, Member, Question
from authapp_verify.errors import Forbidden, Unauthenticated, Unavailable
from authapp_verify.http import Http
from authapp_verify.keys import Keys
from authapp_verify.revocations import RevocationFeed
from authapp_verify.tokens import Claims

if TYPE_CHECKING:
    from authapp_verify.fastapi import FastAPIGuards
    from authapp_verify.flask import FlaskGuards

LAG = 10.0  # seconds after which the feed of revocations is behind
KEPT = 10_000  # answers, for some 2 KiB each
LEEWAY = 5.0  # seconds by which clocks may differ
_API_KEY = re.compile(r"ak_[A-Za-z0-9_-]{1,200}")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Authapp:
    """Verifies the tokens of one authapp, and asks it who may do what. Make one for each process, or before a fork.

    Args:
        url: its address; `https`, but for localhost.
        audience: its `JWT_AUDIENCE`.
        issuer: its `JWT_ISSUER`, where that is not the address.
        on_stale: what a request gets for which authapp cannot be asked: `refuse` 503, or `accept` the last positive
            answer, while the token is valid.
        accept_for: for so many seconds after that answer.
        timeout: seconds for a connection, and for each wait for data.
        insecure: plain HTTP is allowed to any host, in a network that nobody else can read.
    """

    def __init__(
        self,
        url: str,
        *,
        audience: str = "authapp",
        issuer: str = "",
        on_stale: Literal["refuse", "accept"] = "refuse",
        accept_for: float = 60.0,
        timeout: float = 3.0,
        insecure: bool = False,
    ) -> None:
        if on_stale not in ("refuse", "accept"):
            raise ValueError("on_stale is refuse or accept")
        self._http = Http(url, timeout, insecure)
        self._keys = Keys(self._http, issuer or self._http.url)
        self._audience, self._timeout = audience, timeout
        self._accept_for = accept_for if on_stale == "accept" else 0.0
        self._checks = Checks(self._http, self._accept_for, KEPT)
        self._feed: RevocationFeed | None = None

    def follow_revocations(self, service_key: str, interval: float = 2.0) -> None:
        """Let a thread follow the feed of revocations, so that `verify` refuses the tokens of ended sessions.

        Args:
            service_key: a key with the right `revocations`.
            interval: seconds between two polls.
        """
        self._feed = RevocationFeed(self._http, service_key, interval)
        self._feed.start()

    def verify(self, token: str) -> Claims:
        """Verify an access token without asking: its signature, its claims, and the feed where one is followed.

        Raises:
            Unauthenticated: it is not good, or no access token.
            Unavailable: its key is unknown or the feed is behind, and authapp cannot be asked.
        """
        claims = tokens.verify(token, self._keys, self._audience, LEEWAY)
        self._refuse_revoked(claims, up_to_date=True)
        return claims

    async def averify(self, token: str) -> Claims:
        """The same. Where it has to wait, the event loop does not."""
        feed_is_read = self._feed is None or self._feed.age <= LAG
        if feed_is_read and self._keys.is_at_hand(tokens.key_id(token)):
            return self.verify(token)
        return await asyncio.get_running_loop().run_in_executor(self._checks.executor, self.verify, token)

    def member(self, role: str = "", *, permission: str = "", max_age: float = 0.0) -> Guard:
        """Who has this role or a higher one in an organization, and holds this permission there. An API key may, too.

        Args:
            role: none: any member.
            permission: none: whatever the role is good for.
            max_age: for how many seconds an answer is kept; 0 asks each time. API keys are asked each time.
        """
        return Guard(self, role, permission, max_age, account=False)

    def user(self, *, max_age: float | None = 0.0) -> Guard:
        """Whoever is signed in to an account that is active.

        Args:
            max_age: as for `member`. None: never ask, as `verify`.
        """
        return Guard(self, "", "", max_age, account=True)

    @cached_property
    def fastapi(self) -> FastAPIGuards:
        """The guards as dependencies of FastAPI."""
        from authapp_verify.fastapi import FastAPIGuards  # noqa: PLC0415  # optional

        return FastAPIGuards(self)

    @cached_property
    def flask(self) -> FlaskGuards:
        """The guards as decorators of Flask."""
        from authapp_verify.flask import FlaskGuards  # noqa: PLC0415  # optional

        return FlaskGuards(self)

    def _signed(self, token: str) -> Claims:
        """The claims of a token about which authapp is asked next: the feed may be behind."""
        claims = tokens.verify(token, self._keys, self._audience, LEEWAY)
        self._refuse_revoked(claims, up_to_date=False)
        return claims

    async def _asigned(self, token: str) -> Claims:
        if self._keys.is_at_hand(tokens.key_id(token)):
            return self._signed(token)
        return await asyncio.get_running_loop().run_in_executor(self._checks.executor, self._signed, token)

    def _refuse_revoked(self, claims: Claims, *, up_to_date: bool) -> None:
        feed = self._feed
        if feed is None:
            return
        feed.start()
        if up_to_date and feed.age > LAG:
            feed.wait(self._timeout)
            if feed.age > max(LAG, self._accept_for):
                raise Unavailable("the feed of revocations is behind")
        if feed.is_revoked(claims):
            raise Unauthenticated("The session of this token has ended. Sign in again.", "revoked_token")


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition for callers, which `Authapp.member` and `Authapp.user` make."""

    auth: Authapp
    role: str
    permission: str
    max_age: float | None
    account: bool

    def check(self, authorization: str | None, organization_id: str = "") -> Member:
        """Who calls, by the header `Authorization`, and in this organization for a member.

        Raises:
            Refused: with the status, headers and problem document of the response.
        """
        token = _bearer(authorization)
        claims = None
        if not _API_KEY.fullmatch(token):
            claims = self.auth.verify(token) if self.max_age is None else self.auth._signed(token)
        question = self._question(token, claims, organization_id)
        if self.max_age is None:
            return self._alone(claims)
        return self.auth._checks.check(token, question, claims, self.max_age if claims else 0.0)

    async def acheck(self, authorization: str | None, organization_id: str = "") -> Member:
        """The same, for coroutines."""
        token = _bearer(authorization)
        claims = None
        if not _API_KEY.fullmatch(token):
            claims = await (self.auth.averify(token) if self.max_age is None else self.auth._asigned(token))
        question = self._question(token, claims, organization_id)
        if self.max_age is None:
            return self._alone(claims)
        return await self.auth._checks.acheck(token, question, claims, self.max_age if claims else 0.0)

    def _question(self, token: str, claims: Claims | None, organization_id: str) -> Question:
        if not self.account:
            if not _ID.fullmatch(organization_id):
                raise Forbidden("You are not a member of this organization.", "not_a_member")
            return Question.of(token, organization_id, self.role, self.permission)
        if claims is None or claims.type != "access":
            raise Forbidden("This needs a person: sign in.", "api_key_not_allowed")
        return Question.of(token, "", "", "")

    @staticmethod
    def _alone(claims: Claims | None) -> Member:
        assert claims  # noqa: S101  # _question has refused API keys
        return Member(claims.sub, "user", session_id=claims.sid, claims=claims)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send an access token in the header: Authorization: Bearer <token>.", "missing_token")
    return token
