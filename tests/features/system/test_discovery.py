"""The documents that other services configure themselves with."""

from __future__ import annotations

import jwt
import pytest

from tests.factories import AppWith, Caller, World

SERVER, OPENID, AUTHZEN = (
    f"/.well-known/{name}" for name in ("oauth-authorization-server", "openid-configuration", "authzen-configuration")
)
ADDRESS = "http://localhost:8000"


def test_the_metadata_names_the_endpoints(client: Caller) -> None:
    found = client.get(SERVER).get_json()
    assert found == {
        "issuer": ADDRESS,
        "jwks_uri": f"{ADDRESS}/.well-known/jwks.json",
        "introspection_endpoint": f"{ADDRESS}/api/v1/auth/introspect",
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "Bearer"],
        "token_endpoint": f"{ADDRESS}/api/v1/auth/token",
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["HS256"],
        "service_documentation": f"{ADDRESS}/docs",
    }
    assert client.get(OPENID).get_json() == found


@pytest.mark.parametrize("path", [SERVER, OPENID])
def test_a_token_verifies_with_nothing_but_what_the_metadata_says(world: World, app_with: AppWith, path: str) -> None:
    signing = world.with_app(app := app_with(algorithm="ES256"))
    person, client = signing.person(), signing.caller()
    found = client.get(path).get_json()
    keys = jwt.PyJWKSet.from_dict(client.get(found["jwks_uri"].removeprefix(ADDRESS)).get_json())
    token = person.session["access_token"]
    claims = jwt.decode(
        token,
        keys[jwt.get_unverified_header(token)["kid"]],
        algorithms=found["id_token_signing_alg_values_supported"],
        issuer=found["issuer"],
        audience=app.settings.jwt_audience,
    )
    assert claims["sub"] == str(person.id)


def test_the_issuer_is_that_of_the_tokens_and_addresses_are_those_of_public_url(app_with: AppWith) -> None:
    client = app_with(jwt_issuer="https://issuer.example.com", public_url="https://auth.example.com").test_client()
    found = client.get(SERVER).get_json()
    assert found["issuer"] == "https://issuer.example.com"
    assert found["jwks_uri"] == "https://auth.example.com/.well-known/jwks.json"
    assert client.get(AUTHZEN).get_json() == {
        "policy_decision_point": "https://auth.example.com",
        "access_evaluation_endpoint": "https://auth.example.com/access/v1/evaluation",
        "access_evaluations_endpoint": "https://auth.example.com/access/v1/evaluations",
    }


@pytest.mark.parametrize("path", [SERVER, OPENID, AUTHZEN])
def test_the_documents_may_be_kept_and_host_headers_do_not_change_them(client: Caller, path: str) -> None:
    plain = client.get(path)
    assert plain.headers["Cache-Control"] == "public, max-age=300"
    forged = client.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert forged.data == plain.data


@pytest.mark.parametrize("path", [SERVER, AUTHZEN])
def test_the_endpoints_are_routes(client: Caller, path: str) -> None:
    endpoints = [address for name, address in client.get(path).get_json().items() if name.endswith("_endpoint")]
    assert len(endpoints) == 2
    for address in endpoints:
        assert client.post(address.removeprefix(ADDRESS)).status_code in (401, 415)
