"""Accounts with a second factor, and the authenticator app of their owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyotp
from werkzeug.test import TestResponse

from authapp.core import clock
from tests.factories import PASSWORD, Person, World

WRONG = "000000"
WRONG_RECOVERY_CODE = "2222-2222-2222-2222"


@dataclass
class Authenticator:
    """What the owner of an account has: the app, and the recovery codes."""

    secret: str
    recovery_codes: list[str]

    def code(self, steps: int = 0) -> str:
        """The code of now, or of so many steps later."""
        totp = pyotp.TOTP(self.secret)
        return totp.generate_otp(totp.timecode(clock.now()) + steps)


def enrol(person: Person) -> Authenticator:
    """Set up an authenticator app and confirm it, with the code of the step before: that of now is not used yet."""
    response = person.call("POST", "/auth/mfa/totp")
    assert response.status_code == 201, response.text
    app = Authenticator(response.get_json()["secret"], [])
    response = person.call("POST", "/auth/mfa/totp/confirm", {"code": app.code(-1)})
    assert response.status_code == 200, response.text
    app.recovery_codes = response.get_json()["recovery_codes"]
    return app


def login(world: World, person: Person, **body: Any) -> TestResponse:
    return world.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD, **body})


def begin(world: World, person: Person, **body: Any) -> str:
    """Give the right password. Returns the token of the sign-in that waits."""
    response = login(world, person, **body)
    assert (response.status_code, response.get_json()["code"]) == (401, "mfa_required"), response.text
    return str(response.get_json()["mfa_token"])


def complete(world: World, mfa_token: str, **factor: str) -> TestResponse:
    return world.caller().call("POST", "/auth/login/mfa", {"mfa_token": mfa_token, **factor})


def answer(response: TestResponse) -> tuple[int, str | None]:
    """The status, and the code of an error."""
    body = response.get_json(silent=True) or {}
    return response.status_code, body.get("code") if response.status_code >= 400 else None
