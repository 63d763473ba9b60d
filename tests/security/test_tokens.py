"""Every forged, altered, borrowed and outdated token is refused, by whatever way it comes."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from flask_jwt_extended import create_access_token, get_jwt, get_jwt_header, get_jwt_identity, jwt_required

from authapp.config import UnsafeSettings
from authapp.core.clock import FrozenClock
from authapp.decorators.guards import public, require_active_user
from authapp.web.blueprint import Blueprint
from tests.factories import PASSWORD, AppWith, Person, World

Claims = dict[str, Any]


def key_of(world: World) -> tuple[bytes, str]:
    key = world.app.tokens.ring.signing
    return key.signing, key.kid


def sign(world: World, claims: Claims, **header: Any) -> str:
    key, kid = key_of(world)
    return jwt.encode(claims, key, "HS256", headers={"kid": kid, "typ": "at+jwt", **header})


def sign_text(world: World, payload: str) -> str:
    key, kid = key_of(world)
    return jwt.PyJWS().encode(payload.encode("latin-1"), key, "HS256", headers={"kid": kid, "typ": "at+jwt"})


def claims_of(person: Person) -> Claims:
    return jwt.decode(person.session["access_token"], options={"verify_signature": False})


def b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_an_access_token_says_who_and_which_session_and_nothing_more(world: World) -> None:
    person = world.person("Acme")
    encoded = person.session["access_token"]
    assert set(claims_of(person)) == {
        "iss", "aud", "sub", "sid", "jti", "type", "iat", "exp", "auth_time", "amr",
    }  # fmt: skip
    assert jwt.get_unverified_header(encoded)["typ"] == "at+jwt"
    assert jwt.get_unverified_header(person.refresh_token)["typ"] == "rt+jwt"
    assert claims_of(person)["sub"] == str(person.id)


def test_a_token_signed_here_with_the_right_claims_is_accepted(world: World) -> None:
    # the control for the cases below: the forger has the key, and a token is accepted only if every claim is right
    person = world.person()
    assert world.caller(sign(world, claims_of(person))).call("GET", "/auth/me").status_code == 200


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "sid", "jti", "type", "iat", "exp", "auth_time", "amr"])
def test_a_token_that_lacks_a_claim_is_refused(world: World, missing: str) -> None:
    claims = claims_of(world.person())
    del claims[missing]
    assert refused(world, sign(world, claims)) == "invalid_token"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://elsewhere.example.com"},
        {"iss": ["http://localhost:8000"]},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["authapp"]},
        {"aud": ["authapp", "another"]},
        {"type": "refresh"},
        {"type": "mfa"},
        {"type": None},
        {"sub": "x"},
        {"sub": 7},
        {"sid": "x"},
        {"sid": None},
        {"jti": ""},
        {"exp": "9999999999"},
        {"exp": 1e300},
        {"exp": True},
        {"exp": 10**30},
        {"iat": "1"},
        {"iat": 9999999999},
        {"nbf": 9999999999},
        {"nbf": "1"},
        {"nbf": 1.5},
        {"nbf": True},
        {"nbf": None},
        {"nbf": 10**30},
        {"auth_time": "now"},
        {"amr": "pwd"},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(world: World, change: Claims) -> None:
    payload = json.dumps({**claims_of(world.person()), **change})
    assert refused(world, sign_text(world, payload)) == "invalid_token"


@pytest.mark.parametrize("payload", ["", "null", "[]", '["iss", "aud", "type"]', '"iss"', "{", "\xff", "[" * 1500])
def test_what_is_signed_and_is_no_set_of_claims_is_refused(world: World, payload: str) -> None:
    assert refused(world, sign_text(world, payload)) == "invalid_token"


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "rt+jwt"},
        {"typ": "JWT"},
        {"typ": None},
        {"kid": "another"},
        {"kid": "../../dev/null"},
        {"kid": None},
        {"alg": "HS384"},
        {"jku": "https://elsewhere.example.com/jwks.json"},
        {"crit": ["exp"]},
        {"x5u": "https://elsewhere.example.com"},
    ],
)
def test_a_token_with_a_header_that_we_never_write_is_refused(world: World, header: Claims) -> None:
    key, kid = key_of(world)
    full = {"alg": "HS256", "kid": kid, "typ": "at+jwt", **header}
    signing_input = f"{b64({k: v for k, v in full.items() if v})}.{b64(claims_of(world.person()))}"
    algorithm = jwt.get_algorithm_by_name(str(full["alg"]))
    signature = algorithm.sign(signing_input.encode(), algorithm.prepare_key(key))
    assert refused(world, f"{signing_input}.{b64(signature)}") == "invalid_token"


def none_algorithm(encoded: str, claims: Claims) -> str:
    return f"{b64({'alg': 'none', 'typ': 'at+jwt'})}.{b64(claims)}."


def another_key(encoded: str, claims: Claims) -> str:
    return jwt.encode(claims, "k" * 32, "HS256", headers=jwt.get_unverified_header(encoded))


def no_signature(encoded: str, claims: Claims) -> str:
    return encoded.rpartition(".")[0] + "."


def altered_payload(encoded: str, claims: Claims) -> str:
    header, _, signature = encoded.split(".")
    return f"{header}.{b64({**claims, 'sub': '019aab1c-7d3e-7a40-9a55-000000000000'})}.{signature}"


@pytest.mark.parametrize("forge", [none_algorithm, another_key, no_signature, altered_payload])
def test_a_forged_token_is_refused(world: World, forge: Callable[[str, Claims], str]) -> None:
    person = world.person()
    assert refused(world, forge(person.session["access_token"], claims_of(person))) == "invalid_token"


def test_what_flask_jwt_extended_would_sign_with_our_key_is_refused(world: World) -> None:
    key, _ = key_of(world)
    with world.app.app_context():
        world.app.config["JWT_SECRET_KEY"] = key
        assert refused(world, create_access_token(str(world.person().id))) == "invalid_token"


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_for_the_future_is_valid_from_its_iat_and_nbf_with_30_seconds_of_leeway(
    world: World, time: FrozenClock, claim: str
) -> None:
    claims = claims_of(world.person())
    token = sign(world, {**claims, "nbf": claims["iat"], claim: claims["iat"] + 60})
    assert refused(world, token) == "invalid_token"
    time.advance(seconds=30)
    assert world.caller(token).call("GET", "/auth/me").status_code == 200


def test_a_session_of_another_user_carries_no_token(world: World) -> None:
    person, victim = world.person(), world.person()
    assert refused(world, sign(world, {**claims_of(person), "sub": str(victim.id)})) == "revoked_token"


def test_a_token_expires_to_the_second(world: World, time: FrozenClock) -> None:
    person = world.person()
    time.advance(seconds=1799)
    assert person.call("GET", "/auth/me").status_code == 200
    time.advance(seconds=1)
    assert refused(world, person.session["access_token"]) == "expired_token"


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("bearer {}", 200, None),
        ("BEARER   {}", 200, None),
        ("Bearer{}", 401, "missing_token"),
        ("{}", 401, "missing_token"),
        ("Token {}", 401, "missing_token"),
        ("Basic eDp5, Bearer {}", 401, "missing_token"),
        ("Bearer {0} {0}", 401, "invalid_token"),
        ("Bearer {0}, Bearer {0}", 401, "invalid_token"),
        ("Bearer", 401, "invalid_token"),
        ("Bearer ü", 401, "invalid_token"),
        ("Bearer {}=", 401, "invalid_token"),
        ("", 401, "missing_token"),
    ],
)
def test_a_token_comes_in_one_well_formed_header(world: World, header: str, status: int, code: str | None) -> None:
    value = header.format(world.person().session["access_token"])
    response = world.caller().call("GET", "/auth/me", headers={"Authorization": value})
    assert (response.status_code, response.get_json().get("code")) == (status, code)


def test_pyjwts_documented_check_accepts_an_access_token_and_refuses_a_refresh_token(world: World) -> None:
    person, (key, _) = world.person(), key_of(world)
    check = partial(jwt.decode, key=key, algorithms=["HS256"], audience="authapp", issuer="http://localhost:8000")
    assert check(person.session["access_token"])["type"] == "access"
    with pytest.raises(jwt.InvalidSignatureError):
        check(person.refresh_token)
    unverified = jwt.decode(person.refresh_token, options={"verify_signature": False})
    assert unverified["aud"] == unverified["iss"] == "http://localhost:8000"


def test_another_signing_key_signs_nobody_out(world: World, app_with: AppWith) -> None:
    person = world.person()
    client = app_with(jwt_secret_key="another-key-of-more-than-thirty-two-bytes").test_client()
    headers = {"Authorization": f"Bearer {person.session['access_token']}"}
    assert client.get("/api/v1/auth/me", headers=headers).status_code == 401
    assert client.post("/api/v1/auth/refresh", json={"refresh_token": person.refresh_token}).status_code == 200


@pytest.mark.parametrize("location", ["query", "cookie", "json"])
def test_a_token_is_looked_for_nowhere_else(world: World, location: str) -> None:
    token, caller = world.person().session["access_token"], world.caller()
    if location == "cookie":
        caller.set_cookie("access_token_cookie", token)
    query = f"?jwt={token}&access_token={token}" if location == "query" else ""
    body = {"access_token": token} if location == "json" else None
    response = caller.call("GET", f"/auth/me{query}", body)
    assert response.get_json()["code"] == "missing_token"


def test_every_refused_token_is_answered_with_a_challenge(world: World) -> None:
    missing = world.caller().call("GET", "/auth/me")
    invalid = world.caller("x").call("GET", "/auth/me")
    assert missing.headers["WWW-Authenticate"] == "Bearer"
    assert invalid.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


ASYMMETRIC = ("ES256", "EdDSA", "RS256")


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_other_services_verify_with_the_published_key(world: World, app_with: AppWith, algorithm: str) -> None:
    client = app_with(algorithm=algorithm, jwt_keys=key_set(private_jwk(algorithm))).test_client()
    person = world.person()
    login = client.post("/api/v1/auth/login", json={"email": person.email, "password": "SecurePassword123"})
    token = login.get_json()["access_token"]
    published = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").get_json())
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, published[header["kid"]], [algorithm], audience="authapp")
    assert claims["sub"] == str(person.id)
    assert not {"d", "p", "q", "k"} & set(client.get("/.well-known/jwks.json").get_json()["keys"][0])
    me = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 200


def test_a_published_key_is_no_shared_secret(world: World, app_with: AppWith) -> None:
    client = app_with(algorithm="ES256", jwt_keys=key_set(private_jwk("ES256"))).test_client()
    [public] = client.get("/.well-known/jwks.json").get_json()["keys"]
    signing_input = f"{b64({'alg': 'HS256', 'kid': public['kid'], 'typ': 'at+jwt'})}.{b64(claims_of(world.person()))}"
    signature = hmac.digest(json.dumps(public).encode(), signing_input.encode(), "sha256")
    forged = f"{signing_input}.{b64(signature)}"
    response = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {forged}"})
    assert response.get_json()["code"] == "invalid_token"


def refused(world: World, encoded: str) -> str:
    """The code with which a guarded route raises this access token."""
    response = world.caller(encoded).call("GET", "/auth/me")
    assert response.status_code == 401, response.text
    return str(response.get_json()["code"])


def private_jwk(algorithm: str) -> Claims:
    implementation: Any = jwt.get_algorithm_by_name(algorithm)
    make: dict[str, Callable[[], Any]] = {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
        "RS256": lambda: rsa.generate_private_key(65537, 3072),
    }
    jwk: Claims = implementation.to_jwk(make[algorithm](), as_dict=True)
    return jwk


def key_set(*keys: Claims) -> str:
    return json.dumps({"keys": keys})


WEAK_RSA = jwt.get_algorithm_by_name("RS256").to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True)


@pytest.mark.parametrize(
    ("algorithm", "key", "reason"),
    [
        ("ES256", {name: v for name, v in private_jwk("ES256").items() if name != "d"}, "is public"),
        ("ES256", private_jwk("EdDSA"), "not a key for ES256"),
        ("ES256", {"kty": "EC", "crv": "P-256"}, "not a key for ES256"),
        ("ES256", {"kty": "strange"}, "not a key for ES256"),
        ("HS256", {"kty": "oct", "k": b64(b"short")}, "shorter than 32 bytes"),
        ("RS256", WEAK_RSA, "fewer than 3072 bits"),
    ],
)
def test_a_key_that_is_unfit_to_sign_with_is_refused_at_start(
    app_with: AppWith, algorithm: str, key: Claims, reason: str
) -> None:
    with pytest.raises(UnsafeSettings, match=reason):
        app_with(algorithm=algorithm, jwt_keys=key_set(key))


def test_flask_jwt_extended_knows_the_token_in_a_view_behind_our_guards_and_its_own(app_with: AppWith) -> None:
    bp = Blueprint("both", __name__, url_prefix="/both")

    @bp.get("")
    @require_active_user
    def ours() -> dict[str, Any]:
        return {"jwt": get_jwt(), "identity": get_jwt_identity(), "header": get_jwt_header()}

    @bp.get("/theirs")
    @public
    @jwt_required()  # type: ignore[untyped-decorator]
    def theirs() -> dict[str, Any]:
        return {"jwt": get_jwt(), "identity": get_jwt_identity(), "header": get_jwt_header()}

    caller = app_with([bp]).test_client()
    body = {"email": "both@example.com", "password": PASSWORD}
    registered = caller.post("/api/v1/auth/register", json=body).get_json()
    access, refresh = registered["access_token"], registered["refresh_token"]
    paths = ("/api/v1/both", "/api/v1/both/theirs")
    ours_says, theirs_says = (caller.get(path, headers={"Authorization": f"Bearer {access}"}) for path in paths)
    assert ours_says.get_json() == theirs_says.get_json()
    assert ours_says.get_json()["identity"] == registered["user"]["id"]
    assert ours_says.get_json()["header"] == jwt.get_unverified_header(access)
    for path in paths:
        refused_ = caller.get(path, headers={"Authorization": f"Bearer {refresh}"})
        assert (refused_.status_code, refused_.get_json()["code"]) == (401, "invalid_token")
