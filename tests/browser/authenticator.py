"""The virtual authenticator of Chromium: a device with passkeys, worked by the DevTools protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page

OPTIONS = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Authenticator:
    """A device of the person at a page."""

    cdp: CDPSession
    id: str

    def send(self, method: str, **parameters: Any) -> Any:
        return self.cdp.send(f"WebAuthn.{method}", {"authenticatorId": self.id, **parameters})

    def passkeys(self) -> list[dict[str, Any]]:
        credentials: list[dict[str, Any]] = self.send("getCredentials")["credentials"]
        return credentials

    def press(self, enabled: bool = True) -> None:
        """Whether the person touches the device, as soon as it asks."""
        self.send("setAutomaticPresenceSimulation", enabled=enabled)

    def verify(self, verified: bool) -> None:
        """Whether the person is the one whose finger or PIN the device knows."""
        self.send("setUserVerified", isUserVerified=verified)

    def replace(self, **changes: Any) -> None:
        """Put back its passkey, with something of it changed."""
        (passkey,) = self.passkeys()
        self.send("removeCredential", credentialId=passkey["credentialId"])
        self.send("addCredential", credential={**passkey, **changes})


def authenticator_of(page: Page, **options: Any) -> Authenticator:
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    added = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**OPTIONS, **options}})
    return Authenticator(cdp, added["authenticatorId"])
