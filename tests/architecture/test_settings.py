"""What production refuses, what development makes up, and that every setting is in the docs."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from authapp import instance
from authapp.config import Settings, UnsafeSettings, read_settings
from authapp.config_checks import CHOICES, NUMBERS, problems
from authapp.core.clock import FrozenClock
from authapp.security.keys import key_ring
from tests.factories import PASSWORD, AppWith, World
from tests.pages import blocks, page

ROOT = Path(__file__).parent.parent.parent
SAFE = {
    "SECRET_KEY": "kK3v0Jq8zYw2mXn5tRb7cLd9fGh1pSa4uE6",
    "DATABASE_URL": "postgres://authapp@db.example.com/authapp",
    "PUBLIC_URL": "https://auth.example.com",
}
NAMES = [field.name.upper() for field in dataclasses.fields(Settings)]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine and no .env of the developer."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(instance, "ROOT", tmp_path)
    monkeypatch.setattr(instance, "INSTANCE", tmp_path / "instance")


def test_production_is_the_default_and_needs_three_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SAFE.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert settings.in_production
    assert (settings.algorithm, settings.access_token_expire_minutes) == ("HS256", 30)
    assert (settings.refresh_token_expire_days, settings.bcrypt_rounds) == (7, 12)


def test_production_names_every_unsafe_setting_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BCRYPT_ROUNDS", "9")
    monkeypatch.setenv("ALGORITHM", "none")
    monkeypatch.setenv("CORS_ORIGINS", "*")
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(UnsafeSettings) as refused:
        read_settings()
    named = {problem.partition(":")[0] for problem in refused.value.problems}
    assert named == {"SECRET_KEY", "DATABASE_URL", "PUBLIC_URL", "BCRYPT_ROUNDS", "ALGORITHM", "CORS_ORIGINS", "PORT"}


def test_whoever_has_chosen_an_environment_is_not_told_to_choose_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsafeSettings, match="set APP_ENV=development"):
        read_settings()
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(UnsafeSettings) as refused:
        read_settings()
    assert "APP_ENV" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "your-secret-key-change-in-production"),
        ("SECRET_KEY", "changeme-changeme-changeme-changeme"),
        ("SECRET_KEY", "a" * 64),
        ("JWT_SECRET_KEY", "short"),
        ("PASSWORD_PEPPER", "short"),
        ("DATABASE_URL", ""),
        ("BCRYPT_ROUNDS", "4"),
        ("BCRYPT_ROUNDS", "twelve"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "1.5"),
        ("ALGORITHM", "HS512"),
        ("ALGORITHM", "ES256"),
        ("JWT_KEYS", "{}"),
        ("JWT_KEYS", "not json"),
        ("PASSWORD_POLICY", "none"),
        ("PASSWORD_BREACH_FILE", "/no/such/file"),
        ("REGISTRATION_MODE", "shut"),
        ("EMAIL_VERIFICATION", "on"),
        ("RATE_LIMITS", "off"),
        ("RATE_LIMITS", "false"),
        ("REDIS_URL", "redis.example.com"),
        ("REDIS_URL", "redis://redis.example.com:port"),
        ("OPERATOR_LOGO", "/no/such/logo.svg"),
        ("OPERATOR_LOGO", __file__),
        ("APP_ENV", "staging"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "app.example.com"),
        ("CORS_ORIGINS", "https://app.example.com/"),
        ("PUBLIC_URL", ""),
        ("PUBLIC_URL", "auth.example.com"),
        ("PUBLIC_URL", "https://auth.example.com/<script>"),
        ("PUBLIC_URL", "https://auth.example.com\r\nX: y"),
        ("FRONTEND_URL", "https://app.example.com/?a b"),
        ("CORS_ORIGINS", "https://[a-z.]"),
        ("JWT_AUDIENCE", "https://auth.example.com"),
        ("LOG_LEVEL", "loud"),
        ("SENTRY_DSN", "http://key@sentry.example.com/1"),
        ("SENTRY_DSN", "https://sentry.example.com/1"),
        ("SENTRY_DSN", "https://key@sentry.example.com"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_TOKEN", "more than thirty-two bytes, but no token"),
        ("DATABASE_URL", "mysql://db.example.com/authapp"),
        ("PORT", "http"),
        ("FRONTEND_URL", "app.example.com"),
        ("MAIL_URL", "console:"),
        ("MAIL_URL", "console:emails"),
        ("MAIL_URL", "memory:"),
        ("MAIL_URL", "mail.example.com"),
        ("MAIL_URL", "smtp://"),
        ("MAIL_URL", "smtp://mail.example.com:port"),
        ("MAIL_URL", "http://mail.example.com"),
        ("MAIL_FROM", "nobody"),
        ("SSO_RETURN_TO", "http://app.example.com/in"),
        ("SSO_RETURN_TO", "https://app.example.com/in, http://localhost:3000/in"),
    ],
)
def test_production_refuses(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for safe_name, safe_value in {**SAFE, name: value}.items():
        monkeypatch.setenv(safe_name, safe_value)
    with pytest.raises(UnsafeSettings, match="JWT_KEYS" if value == "ES256" else name):
        read_settings()


@pytest.mark.parametrize(
    ("provided", "missing", "advice"),
    [
        ("GITHUB_CLIENT_ID", ["GITHUB_CLIENT_SECRET"], "Set both, or none."),
        ("OIDC_DISCOVERY_URL", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"], "Set all three, or none."),
    ],
)
def test_all_that_a_provider_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, provided: str, missing: list[str], advice: str
) -> None:
    for name, value in {**SAFE, provided: CHANGED[provided]}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnsafeSettings) as refused:
        read_settings()
    assert refused.value.problems == [f"{name}: not set, but {provided} is. {advice}" for name in missing]


@pytest.mark.parametrize("wrong", ["http://app.example.com/in", "https://app.example.com/in?x=1"])
def test_the_address_of_sso_return_to_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    for name, value in {**SAFE, "SSO_RETURN_TO": f"https://app.example.com/ok, {wrong}"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnsafeSettings) as refused:
        read_settings()
    [problem] = refused.value.problems
    assert (wrong in problem, "app.example.com/ok" in problem) == (True, False)


def test_every_number_has_bounds() -> None:
    assert set(NUMBERS) == {field.name for field in dataclasses.fields(Settings) if type(field.default) is int}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_within_its_bounds_is_accepted_and_others_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("APP_ENV", "development")
    smallest, largest = NUMBERS[name]
    for fine in (smallest, largest):
        monkeypatch.setenv(name.upper(), str(fine))
        assert getattr(read_settings(), name) == fine
    for number in (smallest - 1, largest + 1, -99_999_999_999, 99_999_999_999):
        monkeypatch.setenv(name.upper(), str(number))
        with pytest.raises(UnsafeSettings) as refused:
            read_settings()
        assert refused.value.problems == [f"{name.upper()}: choose {smallest} to {largest}."]


def test_the_largest_durations_and_most_proxies_can_be_served(
    world: World, app_with: AppWith, time: FrozenClock
) -> None:
    largest = {name: NUMBERS[name][1] for name in NUMBERS if name not in ("bcrypt_rounds", "port")}
    client = app_with(**largest).test_client()
    credentials = {"email": world.person().email, "password": PASSWORD}
    session = client.post("/api/v1/auth/login", json=credentials).get_json()
    assert (session["expires_in"], session["refresh_expires_in"]) == (30 * 86400, 3650 * 86400)
    refreshed = client.post("/api/v1/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert refreshed.status_code == 200


def test_a_mail_server_needs_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SAFE, "MAIL_URL": "smtps://user:p%40ss@mail.example.com"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnsafeSettings) as refused:
        read_settings()
    assert [problem.partition(":")[0] for problem in refused.value.problems] == ["MAIL_FROM"]
    monkeypatch.setenv("MAIL_FROM", "Acme <no-reply@example.com>")
    assert read_settings().mail_from == "Acme <no-reply@example.com>"


def test_development_makes_up_a_secret_that_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APP_ENV", "development")
    first, second = read_settings(), read_settings()
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert (tmp_path / "instance" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_development_prints_emails_and_writes_them_to_files_unless_mail_url_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("APP_ENV", "development")
    assert read_settings().mail_url == f"console:{tmp_path / 'instance' / 'emails'}"
    monkeypatch.setenv("MAIL_URL", "console:")
    assert read_settings().mail_url == "console:"


def test_the_public_address_follows_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "development")
    monkeypatch.setenv("PORT", "8123")
    settings = read_settings()
    assert settings.public_url == settings.jwt_issuer == "http://localhost:8123"


def test_the_environment_wins_over_the_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APP_ENV=development\nPORT=1111\nJWT_AUDIENCE=from-file\n")
    monkeypatch.setenv("PORT", "2222")
    settings = read_settings()
    assert (settings.port, settings.jwt_audience, settings.app_env) == (2222, "from-file", "development")


def test_the_process_ends_with_the_reasons_and_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import wsgi"], cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == UnsafeSettings.EXIT_STATUS
    assert "SECRET_KEY: not set" in done.stderr
    assert "DATABASE_URL: not set" in done.stderr
    assert "Traceback" not in done.stderr


CHANGED = {
    "APP_ENV": "testing",
    "AUDIT_RETENTION_DAYS": "400",
    "SECRET_KEY": "another-secret-of-more-than-32-bytes",
    "PASSWORD_PEPPER": "a-pepper-of-more-than-thirty-two-bytes",
    "JWT_SECRET_KEY": "a-key-of-more-than-thirty-two-bytes-too",
    "JWT_KEYS": '{"keys": [{"kty": "EC"}]}',
    "ALGORITHM": "ES256",
    "JWT_ISSUER": "https://issuer.example.com",
    "JWT_AUDIENCE": "platform",
    "ACCESS_TOKEN_EXPIRE_MINUTES": "5",
    "REFRESH_TOKEN_EXPIRE_DAYS": "6",
    "REFRESH_GRACE_SECONDS": "0",
    "SESSION_ABSOLUTE_DAYS": "20",
    "MAX_SESSIONS_PER_ACCOUNT": "3",
    "MAX_ORGANIZATIONS_PER_ACCOUNT": "4",
    "DATABASE_URL": "postgresql://db.example.com/authapp",
    "PORT": "9000",
    "WEB_CONCURRENCY": "5",
    "WEB_THREADS": "9",
    "PUBLIC_URL": "https://auth.example.com",
    "FRONTEND_URL": "https://app.example.com",
    "MAIL_URL": "smtp://mail.example.com",
    "MAIL_FROM": "Acme <no-reply@example.com>",
    "TRUSTED_PROXIES": "2",
    "CORS_ORIGINS": "https://app.example.com, https://admin.example.com",
    "BCRYPT_ROUNDS": "13",
    "PASSWORD_POLICY": "nist",
    "PASSWORD_BREACH_FILE": __file__,
    "REGISTRATION_MODE": "safe",
    "EMAIL_VERIFICATION": "required",
    "GOOGLE_CLIENT_ID": "google-client",
    "GOOGLE_CLIENT_SECRET": "google-secret",
    "GITHUB_CLIENT_ID": "github-client",
    "GITHUB_CLIENT_SECRET": "github-secret",
    "OIDC_CLIENT_ID": "oidc-client",
    "OIDC_CLIENT_SECRET": "oidc-secret",
    "OIDC_DISCOVERY_URL": "https://id.example.com/.well-known/openid-configuration",
    "OIDC_NAME": "Acme",
    "SSO_RETURN_TO": "https://app.example.com/in, https://app.example.com/out",
    "RATE_LIMITS": "off",
    "REDIS_URL": "rediss://redis.example.com:6380",
    "OPERATOR_NAME": "Acme",
    "OPERATOR_LOGO": str(ROOT / "docs" / "charts" / "latency.svg"),
    "LOG_LEVEL": "DEBUG",
    "SENTRY_DSN": "https://key@sentry.example.com/1",
    "METRICS_TOKEN": "a-metrics-token-of-more-than-32-bytes",
}


def test_every_variable_arrives_as_its_type_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(CHANGED) == set(NAMES)
    for name, text in CHANGED.items():
        monkeypatch.setenv(name, text)
    settings, defaults = read_settings(), Settings()
    for field in dataclasses.fields(Settings):
        text, value = CHANGED[field.name.upper()], getattr(settings, field.name)
        assert value != getattr(defaults, field.name)
        assert value == (tuple(text.split(", ")) if type(value) is tuple else type(value)(text))


def test_every_setting_is_in_the_docs_with_its_default_and_what_is_allowed() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) ?\| ", page("docs/settings.md"), re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(NAMES)
    defaults = Settings()
    for name, default, allowed in rows:
        value = getattr(defaults, name.lower())
        assert default == ("none" if value in (None, "", ()) else f"`{value}`"), name
        if name.lower() in NUMBERS:
            assert allowed == "{} to {}".format(*NUMBERS[name.lower()]), name
        if name.lower() in CHOICES:
            assert allowed == ", ".join(f"`{choice}`" for choice in CHOICES[name.lower()]), name


def test_the_env_example_has_every_setting_with_its_default() -> None:
    defaults = Settings()
    lines = re.findall(r"^#?\s?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(name for name, _ in lines) == sorted(NAMES)
    for name, value in lines:
        default = getattr(defaults, name.lower())
        assert value == ("" if default in (None, ()) else str(default)), name


def test_the_command_of_the_docs_makes_a_key_set() -> None:
    [command] = blocks("docs/settings.md", "sh")
    made = subprocess.run(
        ["sh", "-c", command.replace("python3", sys.executable)], capture_output=True, text=True, check=True
    )
    settings = Settings(app_env="testing", secret_key="s" * 32, algorithm="ES256", jwt_keys=made.stdout)
    assert problems(settings) == []
    assert key_ring(settings).public_set()["keys"][0]["crv"] == "P-256"
