"""Reports of crashes to Sentry, where SENTRY_DSN is set: what was raised and where in the code, and no value.

What a report may have is listed here. The rest is left out: messages of exceptions, local variables, the account, the
request with its body, headers, cookies and query.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, current_app

from authapp.config import Settings

_REPORTS = "authapp.error_reports"
_EVENT = ("event_id", "timestamp", "level", "platform", "release", "environment", "sdk", "tags")
_EXCEPTION = ("type", "module", "mechanism")
_FRAME = ("filename", "function", "module", "lineno", "in_app")


class ErrorReports:
    """Sends reports in a thread of its own. While Sentry is away, they are dropped."""

    def __init__(self, dsn: str, release: str, environment: str) -> None:
        from sentry_sdk import Client  # noqa: PLC0415  not imported where nothing is reported

        self._client = Client(
            dsn=dsn,
            release=release,
            environment=environment,
            before_send=_scrubbed,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            enable_backpressure_handling=False,
            send_client_reports=False,
        )

    def send(self, error: BaseException, tags: Mapping[str, str]) -> None:
        """Report an exception, with the exceptions that it follows from."""
        from sentry_sdk.utils import event_from_exception  # noqa: PLC0415

        event, hint = event_from_exception(error, client_options=self._client.options)
        event["tags"] = dict(tags)
        self._client.capture_event(event, hint)


def init_error_reports(app: Flask, settings: Settings, version: str) -> None:
    """Report from now on, where SENTRY_DSN is set."""
    if settings.sentry_dsn:
        app.extensions[_REPORTS] = ErrorReports(settings.sentry_dsn, version, settings.app_env)


def report(error: BaseException, **tags: str) -> None:
    """Report a crash, where crashes are reported. Tags are ids and names of ours, nothing that somebody has sent."""
    reports: ErrorReports | None = current_app.extensions.get(_REPORTS)
    if reports:
        reports.send(error, tags)


def _scrubbed(event: Any, hint: Any) -> Any:
    """What may be sent of an event."""
    exceptions = [_scrubbed_exception(exception) for exception in event["exception"]["values"]]
    return {**_only(_EVENT, event), "exception": {"values": exceptions}}


def _scrubbed_exception(exception: Mapping[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames", ())  # an exception that was never raised has none
    return {**_only(_EXCEPTION, exception), "stacktrace": {"frames": [_only(_FRAME, frame) for frame in frames]}}


def _only(names: tuple[str, ...], found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}
