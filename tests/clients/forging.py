"""Tokens that no service may accept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.factories import Person, World
from tests.security.test_tokens import b64


def sign(world: World, claims: dict[str, Any], key: Any = None, **header: Any) -> str:
    """A token of these claims, signed with the key of authapp or another one, with its header but for these members."""
    own = world.app.tokens.ring.signing
    given = {"kid": own.kid, "typ": "at+jwt", **header}
    return jwt.encode(claims, key or own.signing, "ES256", headers={k: v for k, v in given.items() if v is not None})


def signed_by_public_key(world: World, claims: dict[str, Any], form: serialization.PublicFormat) -> str:
    """HS256, with the public key as the secret. PyJWT refuses to do this."""
    own = world.app.tokens.ring.signing
    public = own.signing.public_key().public_bytes(serialization.Encoding.PEM, form)
    header = b64({"alg": "HS256", "kid": own.kid, "typ": "at+jwt"})
    signing = jwt.get_algorithm_by_name("HS256")
    text = f"{header}.{b64(claims)}"
    return f"{text}.{b64(signing.sign(text.encode(), public))}"


def forged(world: World, person: Person) -> Iterator[tuple[str, str, str]]:
    """Their names, the tokens and the codes of the errors."""
    good = str(person.session["access_token"])
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = world.app.tokens.ring.signing.kid
    header, payload, signature = good.split(".")
    tokens = {
        "alg none": f"{b64({'alg': 'none', 'kid': kid, 'typ': 'at+jwt'})}.{payload}.",
        "alg none with the signature": f"{b64({'alg': 'none', 'kid': kid, 'typ': 'at+jwt'})}.{payload}.{signature}",
        "HS256 with the public key": signed_by_public_key(
            world, claims, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "another key": sign(world, claims, ec.generate_private_key(ec.SECP256R1())),
        "an unknown kid": sign(world, claims, kid="unknown"),
        "no kid": sign(world, claims, kid=None),
        "a kid that is a path": sign(world, claims, kid="../../etc/passwd"),
        "a key in the header": sign(world, claims, jwk={"kty": "EC"}, kid="own", jku="http://localhost/"),
        "crit": sign(world, claims, crit=["exp"]),
        "typ JWT": sign(world, claims, typ="JWT"),
        "typ of a refresh token": sign(world, claims, typ="rt+jwt"),
        "no typ": sign(world, claims, typ=None),
        "another iss": sign(world, {**claims, "iss": "https://evil.example.com"}),
        "another aud": sign(world, {**claims, "aud": "another"}),
        "several aud": sign(world, {**claims, "aud": ["authapp", "another"]}),
        "another type": sign(world, {**claims, "type": "refresh"}),
        "iat in the future": sign(world, {**claims, "iat": claims["iat"] + 3600}),
        "nbf in the future": sign(world, {**claims, "nbf": claims["iat"] + 3600}),
        "exp is text": sign(world, {**claims, "exp": "tomorrow"}),
        "exp is infinite": sign(world, {**claims, "exp": float("inf")}),
        "sub is empty": sign(world, {**claims, "sub": ""}),
        "sid is a list": sign(world, {**claims, "sid": [claims["sid"]]}),
        "another payload": f"{header}.{b64({**claims, 'sub': claims['sid']})}.{signature}",
        "too long": sign(world, {**claims, "more": "x" * 5000}),
        "padding": f"{header}=.{payload}.{signature}",
        "two parts": f"{header}.{payload}",
        "nonsense": "nonsense",
        "a header that is a list": f"{b64([])}.{payload}.{signature}",
        "a header that is deep": f"{b64(b'[' * 2000)}.{payload}.{signature}",
    }
    for name in ("iss", "aud", "exp", "iat", "sub", "sid", "jti", "type"):
        tokens[f"no {name}"] = sign(world, {key: value for key, value in claims.items() if key != name})
    for name, token in tokens.items():
        yield name, token, "invalid_token"
    past = claims["iat"] - 7200
    yield "expired", sign(world, {**claims, "iat": past, "exp": past + 3600}), "expired_token"
