"""The tour of the API that the Postman collection takes, in order. `make postman-collection` writes the collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """One request. What is left out follows from the OpenAPI document. Values may contain variables: `{{email}}`."""

    operation: str  # operationId, or the method and path of a route that the document does not have
    name: str
    text: str = ""  # default: the summary of the operation, or the detail of the error
    error: str = ""  # the code of the expected error; default: success
    body: Any = None  # an object, or text that is sent as it is; default: the examples of the schema
    content_type: str = "application/json"
    path: dict[str, str] = field(default_factory=dict)  # default: the variables with the names of the parameters
    query: dict[str, str] = field(default_factory=dict)
    token: str | None = None  # "" sends none; default: {{access_token}}, and none for public operations
    before: dict[str, str] = field(default_factory=dict)  # variables that are set before the request
    totp: bool = False  # sets {{totp_code}} before the request, to a code that was not used
    saves: dict[str, str] = field(default_factory=dict)  # variables from the response: {"user_id": "user.id"}
    expects: dict[str, Any] = field(default_factory=dict)  # values in the response: {"user.email": "{{email}}"}
    after: dict[str, str] = field(default_factory=dict)  # variables that are set after the response


VARIABLES = {
    "base_url": "http://localhost:8000",
    "email": "ada@example.com",
    "password": "SecurePassword123",
    "invited_email": "mary@example.com",
    "declining_email": "charles@example.com",
    "new_email": "countess@example.com",
}
"""The variables that have a value from the start."""

EMAILS = {
    "verification_token": ("email", "Verify your email address"),
    "change_token": ("new_email", "Confirm your new email address"),
    "undo_token": ("email", "Your email address is about to change"),
    "reset_token": ("email", "Set a new password"),
    "invitation_token": ("invited_email", "Analytical Engines Ltd"),
    "accepted_token": ("invited_email", "Acme Research"),
    "declined_token": ("declining_email", "Analytical Engines Ltd"),
}
"""The variables whose value is the token of an email: the variable of its recipient, and words of its subject."""

SIGNED_OUT = {"access_token": "", "refresh_token": "", "access_expires_at": ""}
OF_THE_LAST_RUN = dict.fromkeys([*EMAILS, "member_id", "member_access_token"], "")
UNKNOWN_ID = "{{$randomUUID}}"
IN_FIRST_ORGANIZATION = {"organization_id": "{{first_organization_id}}"}
INVALID = "validation_failed"
IN_A_BROWSER = {
    "authorize_sso", "receive_sso", "exchange_sso_code", "link_identity", "unlink_identity", "login_passkey",
    "begin_passkey_mfa", "add_passkey", "rename_passkey", "remove_passkey", "related_origins",
}  # fmt: skip
"""Operations that need a browser, with a provider, an authenticator or a page of another origin. The tour shows their
errors."""
OF_THE_OPERATOR = {
    "introspect_token", "list_revocations", "metrics", "list_users", "get_user", "list_user_organizations",
    "list_user_audit_events", "deactivate_user", "activate_user", "end_user_sessions", "list_all_organizations",
    "get_any_organization", "list_any_members", "suspend_organization", "restore_organization", "list_outbox",
    "retry_email", "get_health", "evaluate", "evaluate_all", "exchange_token",
    "replay_webhook_delivery",
}  # fmt: skip
"""Operations that need an operator or the worker, or a credential that an operator makes or a job has. The tour shows
their errors."""
NEVER_ACCEPTED = {"email": "augustus@example.com", "role": "viewer"}
TWICE = '{"email": "{{email}}", "password": "{{password}}", "password": "{{password}}"}'

# fmt: off
START = [
    Step("healthz", "Is the service alive?", expects={"status": "ok"}),
    Step("readyz", "Is the service ready?", expects={"status": "ready"}),
    Step("metrics", "Metrics, for the bearer of METRICS_TOKEN", token="", error="missing_service_key"),
    Step("register", "Register, with an organization",
         "Makes an account and an organization, makes you its admin and signs you in. Each time you send it, it uses a "
         "new email address, so you can send it as often as you like.",
         before={"email": "ada+{{$randomUUID}}@example.com", **OF_THE_LAST_RUN},
         expects={"user.email": "{{email}}", "organization.role": "admin", "token_type": "Bearer"},
         saves={"user_id": "user.id", "organization_id": "organization.id",
                "first_organization_id": "organization.id"}),
    Step("login", "Sign in",
         "Answers with an access token and a refresh token. The collection saves both as variables and sends the "
         "access token with the next requests.", expects={"user.email": "{{email}}", "organization": None}),
    Step("get_me", "Who am I?", expects={"email": "{{email}}", "memberships[0].role": "admin"}),
]

ACCOUNT = [
    Step("change_me", "Change my name",
         "Changes your first name, your last name or both. What you leave out stays; null clears a name.",
         body={"first_name": "Augusta Ada"}, expects={"first_name": "Augusta Ada", "last_name": "Lovelace"}),
    Step("verify_email", "Verify my email address", "The token is in the email that the registration has sent.",
         body={"token": "{{verification_token}}"}),
    Step("resend_verification", "Send the verification email again",
         "The answer is the same for every address. Yours is verified: no email is sent.", body={"email": "{{email}}"}),
    Step("change_password", "Change my password", "All other sessions end.",
         body={"current_password": "{{password}}", "new_password": "AnotherPassword456"}),
    Step("change_password", "Change it back",
         body={"current_password": "AnotherPassword456", "new_password": "{{password}}"}),
    Step("change_email", "Change my email address",
         "Sends an email to the new address, which confirms, and one to the present address, which can undo it.",
         before={"new_email": "countess+{{$randomUUID}}@example.com"},
         body={"new_email": "{{new_email}}", "password": "{{password}}"}),
    Step("verify_email", "Confirm the new address", "The token is in the email to the new address.",
         body={"token": "{{change_token}}"}),
    Step("undo_email_change", "Undo the change",
         "The token is in the email to the address before. Every session ends, the password is removed, and another "
         "email follows.", body={"token": "{{undo_token}}"}, after=SIGNED_OUT),
    Step("forgot_password", "I forgot my password",
         "The answer is the same for every address. Nobody has this one, so no email is sent.",
         body={"email": "nobody@example.com"}),
    Step("reset_password", "Set a new password", "The token is in the email that followed the undoing.",
         body={"token": "{{reset_token}}", "new_password": "{{password}}"}),
    Step("login", "Sign in with the new password", expects={"user.email": "{{email}}"}),
    Step("login", "Sign in again, as on a second device",
         "Every sign-in is a session of its own."),
    Step("list_sessions", "Where am I signed in?",
         "Lists your sessions, newest first. `current` marks the session of this request.",
         expects={"items.filter((session) => session.current).length": 1},
         saves={"session_id": "items.find((session) => !session.current).id"}),
    Step("end_session", "End one session", "Its tokens stop working at once."),
    Step("end_other_sessions", "End all other sessions"),
    Step("list_my_audit_events", "What happened to my account?",
         "Lists what was done to your account, newest first: by whom, when, and from where.",
         expects={"items.some((event) => event.target_id === pm.environment.get('session_id'))": True}),
]

ORGANIZATIONS = [
    Step("create_organization", "Create another organization", "Makes you its admin. Its slug is made from its name.",
         body={"name": "Analytical Engines"}, expects={"name": "Analytical Engines", "role": "admin"},
         saves={"organization_id": "id"}),
    Step("list_organizations", "My organizations",
         expects={"items.map((item) => item.name)": ["Acme Research", "Analytical Engines"], "next_cursor": None}),
    Step("list_organizations", "The first page of my organizations",
         "Every list comes in pages. `limit` is the number of items, and `next_cursor` leads to the next page.",
         query={"limit": "1"}, expects={"items.length": 1}, saves={"next_cursor": "next_cursor"}),
    Step("list_organizations", "The next page of my organizations",
         "Send `next_cursor` back as `cursor`. When it is null, this is the last page.",
         query={"limit": "1", "cursor": "{{next_cursor}}"},
         expects={"items.map((item) => item.name)": ["Analytical Engines"], "next_cursor": None}),
    Step("get_organization", "One organization", expects={"id": "{{organization_id}}", "role": "admin"}),
    Step("change_organization", "Rename an organization", body={"name": "Analytical Engines Ltd"},
         expects={"name": "Analytical Engines Ltd", "role": "admin"}),
    Step("list_organization_audit_events", "What happened in my organization?",
         expects={"items.map((event) => event.action)": ["organization.updated", "organization.created"]}),
    Step("list_organization_audit_events", "What did I change in it?", "The same list, filtered by action and actor.",
         query={"action": "organization.updated", "actor_id": "{{user_id}}"},
         expects={"items.map((event) => event.action)": ["organization.updated"]}),
]

INVITATIONS = [
    Step("create_invitation", "Invite a colleague",
         "Sends an email with the token to accept. The response does not contain it.",
         before={"invited_email": "mary+{{$randomUUID}}@example.com"},
         body={"email": "{{invited_email}}", "role": "developer"},
         expects={"role": "developer", "status": "pending", "hasOwnProperty('token')": False}),
    Step("list_invitations", "The invitations so far", expects={"items[0].email": "{{invited_email}}"}),
    Step("create_invitation", "Invite the same colleague to my first organization",
         "This is another invitation, with its own email and role.", path=IN_FIRST_ORGANIZATION,
         body={"email": "{{invited_email}}", "role": "viewer"}, expects={"role": "viewer"}),
    Step("create_invitation", "Invite somebody who will decline",
         before={"declining_email": "charles+{{$randomUUID}}@example.com"},
         body={"email": "{{declining_email}}", "role": "admin"}),
    Step("create_invitation", "Invite a wrong address", body={"email": "byron@example.com", "role": "viewer"},
         saves={"invitation_id": "id"}),
    Step("resend_invitation", "Send an invitation again",
         "Sends another email with a new token. The token of the earlier email stops working at once.",
         expects={"status": "pending"}),
    Step("revoke_invitation", "Revoke an invitation", "Its token stops working at once."),
    Step("preview_invitation", "What does the email offer?",
         "Shows the invitation to its owner, who needs no account for this.", body={"token": "{{invitation_token}}"},
         expects={"organization.name": "Analytical Engines Ltd", "email": "{{invited_email}}", "role": "developer"}),
    Step("register", "Register by invitation",
         "Makes an account that belongs to the organization. Its email address counts as verified, because the token "
         "came by email. You stay signed in as Ada; the token of your colleague is another variable.",
         body={"email": "{{invited_email}}", "password": "{{password}}", "first_name": "Mary",
               "last_name": "Somerville", "invitation_token": "{{invitation_token}}"},
         expects={"user.email_verified": True, "organization.id": "{{organization_id}}",
                  "organization.role": "developer"},
         saves={"member_id": "user.id", "member_access_token": "access_token"}),
    Step("accept_invitation", "Accept an invitation",
         "Your colleague joins your first organization with the account that she has. The email address of the account "
         "must be the invited one.", token="{{member_access_token}}", body={"token": "{{accepted_token}}"},
         expects={"id": "{{first_organization_id}}", "role": "viewer"}),
    Step("decline_invitation", "Decline an invitation", "Needs the token and no account.",
         body={"token": "{{declined_token}}"}),
]

MEMBERS = [
    Step("list_members", "Who belongs here?",
         expects={"items.some((member) => member.user.id === pm.environment.get('user_id'))": True}),
    Step("list_members", "Who is an admin?", "The same list, filtered by role.", query={"role": "admin"},
         expects={"items.map((member) => member.role)": ["admin"]}),
    Step("change_member", "Change a member's role", path={"user_id": "{{member_id}}"}, body={"role": "viewer"},
         expects={"user.id": "{{member_id}}", "role": "viewer"}),
    Step("remove_member", "Remove a member", "The account itself remains.", path={"user_id": "{{member_id}}"}),
    Step("remove_member", "Leave an organization",
         "Every member may remove themselves. Here your colleague leaves your first organization.",
         token="{{member_access_token}}", path={**IN_FIRST_ORGANIZATION, "user_id": "{{member_id}}"}),
    Step("list_organization_audit_events", "What happened in my first organization?", path=IN_FIRST_ORGANIZATION,
         saves={"event_id": "items.at(-1).id"}),
    Step("get_inclusion_proof", "Is an event there as it was sealed?",
         "Hashes lead from the event to a signed checkpoint. Keep `checkpoint` and `verifier_key`, and ask later with "
         "the earlier size as `from_size`: what was sealed then must still be there.",
         path=IN_FIRST_ORGANIZATION, query={"from_size": "1"},
         expects={"position": 0, "fields.id": "{{event_id}}"}),
]

API_KEYS = [
    Step("create_api_key", "Create an API key",
         "Only this response shows the key. The collection saves it in `api_key`.",
         body={"name": "training pipeline", "role": "viewer"},
         expects={"key.slice(0, 3)": "ak_", "role": "viewer", "expires_at": None},
         saves={"api_key": "key", "api_key_id": "id"}),
    Step("get_organization", "Use the API key", "A program sends its key in the place of an access token.",
         token="{{api_key}}", expects={"id": "{{organization_id}}", "role": "viewer"}),
    Step("rename_api_key", "Rename the API key", body={"name": "nightly training"},
         expects={"id": "{{api_key_id}}", "name": "nightly training"}),
    Step("rotate_api_key", "Rotate the API key",
         "Gives the key a new secret. The one before works for `overlap_seconds` more.",
         expects={"id": "{{api_key_id}}", "key === pm.environment.get('api_key')": False}, saves={"api_key": "key"}),
    Step("create_api_key", "Create another one, which expires",
         body={"name": "experiment", "role": "developer", "expires_at": "2099-12-31T12:00:00Z"},
         expects={"role": "developer", "expires_at": "2099-12-31T12:00:00.000Z"},
         saves={"other_api_key": "key", "other_api_key_id": "id"}),
    Step("list_api_keys", "The API keys of my organization",
         expects={"items.map((item) => item.name)": ["experiment", "nightly training"],
                  "items[0].hasOwnProperty('key')": False}),
    Step("revoke_api_key", "Revoke an API key", path={"api_key_id": "{{other_api_key_id}}"}),
    Step("create_webhook", "Send events to another service",
         "Only this response shows the secret, with which messages are signed.",
         body={"url": "https://example.com/hooks/authapp", "actions": ["member.joined", "member.left"]},
         saves={"webhook_id": "id", "webhook_secret": "secret"}),
    Step("list_webhooks", "The webhooks of my organization", expects={"items[0].id": "{{webhook_id}}"}),
    Step("get_webhook", "One of them", expects={"id": "{{webhook_id}}", "enabled": True}),
    Step("rotate_webhook_secret", "Give it a new secret", body={"overlap_seconds": 3600},
         saves={"webhook_secret": "secret"}),
    Step("list_webhook_deliveries", "What was sent to it", expects={"items": []}),
    Step("replay_webhook_delivery", "Send an event again that is not there", error="delivery_not_found",
         path={"delivery_id": UNKNOWN_ID}),
    Step("change_webhook", "Disable it", body={"enabled": False},
         expects={"enabled": False, "disabled_reason": "admin"}),
    Step("delete_webhook", "Delete the webhook"),
]

TRUSTED_IDENTITIES = [
    Step("create_trusted_identity", "Trust the jobs of a repository",
         "Its numeric id stays when it gets another name. All claims must be equal.",
         body={"name": "deployments", "issuer": "github", "role": "developer",
               "claims": {"repository_id": "123456789", "environment": "production"}},
         expects={"issuer": "github", "role": "developer"}, saves={"trusted_identity_id": "id"}),
    Step("exchange_token", "Sign in as a job, without the token of one",
         "A job of GitHub Actions sends its OIDC token, whose audience is the id of the organization.",
         error="invalid_subject_token", token="", content_type="application/x-www-form-urlencoded",
         body="grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=none"
              "&subject_token_type=urn:ietf:params:oauth:token-type:id_token&audience={{organization_id}}"),
    Step("list_trusted_identities", "The trusted identities of my organization",
         expects={"items.length": 1, "items[0].id": "{{trusted_identity_id}}"}),
    Step("delete_trusted_identity", "Trust them no longer"),
]

SIGNED_IN = [
    Step("refresh", "Refresh",
         "Each refresh token works once. When a used one is sent again, its session ends: it may be stolen.",
         body={"refresh_token": "{{refresh_token}}"},
         expects={"refresh_token === JSON.parse(pm.request.body.raw).refresh_token": False}),
    Step("get_me", "Forget the access token",
         "An ordinary request. Then its script replaces `access_token` by one that does not work and sets "
         "`access_expires_at` to now.", after={"access_token": "forgotten", "access_expires_at": "{{$isoTimestamp}}"}),
    Step("get_me", "The collection refreshes by itself",
         "Before it sends a request with a token that has less than a minute left, the collection refreshes. So this "
         "request has a new token."),
    Step("logout", "Sign out everywhere",
         "Ends all your sessions. Without a body, or with `false`, only this session ends.", body={"everywhere": True},
         after={"signed_out_token": "{{access_token}}", **SIGNED_OUT}),
    Step("login", "Sign in once more", "The requests below need you signed in."),
]

SECOND_FACTOR = [
    Step("get_mfa", "Do I have a second factor?", expects={"totp_enabled": False, "passkeys": 0}),
    Step("reauthenticate", "Authenticate again",
         "Critical requests need a sign-in of the last 5 minutes. This renews it, in this session.",
         body={"password": "{{password}}"}, expects={"amr": ["pwd"]}),
    Step("set_up_totp", "Set up an authenticator app",
         "Shows the secret as text, as the address that an app takes, and as a QR code. The collection is the app: it "
         "saves the secret and computes the codes itself.", saves={"totp_secret": "secret"}),
    Step("confirm_totp", "Confirm the authenticator app",
         "From now on, signing in needs the second factor. All your other sessions end. Only this response shows the "
         "recovery codes.", totp=True, body={"code": "{{totp_code}}"}, expects={"recovery_codes.length": 10},
         saves={"recovery_code": "recovery_codes[0]"}),
    Step("login", "Sign in with the password alone", "It is right, but not enough: the answer has an `mfa_token`.",
         error="mfa_required", saves={"mfa_token": "mfa_token"}),
    Step("login_mfa", "Complete the sign-in with a code", totp=True,
         body={"mfa_token": "{{mfa_token}}", "code": "{{totp_code}}"}, expects={"user.mfa_enabled": True}),
    Step("login_mfa", "Use the mfa_token again", error="invalid_mfa_token",
         body={"mfa_token": "{{mfa_token}}", "recovery_code": "{{recovery_code}}"}),
    Step("renew_recovery_codes", "Make new recovery codes", "Those before are not valid any more.", totp=True,
         body={"code": "{{totp_code}}"},
         expects={"recovery_codes.includes(pm.environment.get('recovery_code'))": False},
         saves={"recovery_code": "recovery_codes[0]", "other_recovery_code": "recovery_codes[1]"}),
    Step("reauthenticate", "Authenticate again, with a recovery code", "Each recovery code is accepted once.",
         body={"password": "{{password}}", "recovery_code": "{{recovery_code}}"},
         expects={"amr": ["pwd", "otp", "mfa"]}),
    Step("remove_totp", "Remove a second factor, with a wrong code", error="wrong_code",
         body={"recovery_code": "{{recovery_code}}"}),
    Step("remove_totp", "Remove the second factor", body={"recovery_code": "{{other_recovery_code}}"}),
]

PASSKEYS = [
    Step("begin_passkey_login", "Begin to sign in with a passkey",
         "A browser takes the options and asks for a passkey. They name none: its owner chooses.",
         expects={"options.userVerification": "required", "options.allowCredentials": []},
         saves={"challenge_id": "challenge_id"}),
    Step("login_passkey", "Sign in with an invalid answer",
         "A valid one is answered with a session, also where the account has a second factor.", error="invalid_passkey",
         body={"challenge_id": "{{challenge_id}}", "passkey": {}}),
    Step("begin_passkey_mfa", "A passkey in the place of a code", "The sign-in has been completed already.",
         error="invalid_mfa_token", body={"mfa_token": "{{mfa_token}}"}),
    Step("begin_passkey_registration", "Begin to add a passkey", "A browser takes the options and makes a passkey.",
         expects={"options.user.name": "{{email}}", "options.authenticatorSelection.residentKey": "required"},
         saves={"challenge_id": "challenge_id"}),
    Step("add_passkey", "Add a passkey with an invalid answer", error=INVALID,
         body={"challenge_id": "{{challenge_id}}", "passkey": {}}),
    Step("related_origins", "Which other origins may use my passkeys?",
         "Those of `CORS_ORIGINS` and `FRONTEND_URL`. Where they name none but that of `PUBLIC_URL`, the answer is "
         "404. Else it is 200, and this test fails.", error="not_found"),
    Step("list_passkeys", "My passkeys", expects={"items": []}),
    Step("rename_passkey", "Rename a passkey that I do not have", error="passkey_not_found",
         path={"passkey_id": UNKNOWN_ID}, body={"name": "My phone"}),
    Step("remove_passkey", "Remove a passkey that I do not have", error="passkey_not_found",
         path={"passkey_id": UNKNOWN_ID}),
]

PROVIDERS = [
    Step("list_providers", "With which providers can I sign in?",
         "Open an `authorize_url` in a browser. It is sent to the provider, comes back, and gets a code. Without a "
         "provider in the settings, the list is empty."),
    Step("authorize_sso", "Go to a provider that is not configured", error="provider_not_found",
         path={"provider": "nobody"}),
    Step("receive_sso", "Come back from a provider that is not configured", error="provider_not_found",
         path={"provider": "nobody"}, query={"state": "st_unknown", "code": "unknown"}),
    Step("exchange_sso_code", "Exchange a code that is not valid",
         "A valid one is answered as a sign-in with a password, once.", error="invalid_sso_code",
         body={"code": "sc_unknown"}),
    Step("list_identities", "Which providers are linked with my account?", expects={"items": []}),
    Step("link_identity", "Link a provider that is not configured", error="provider_not_found",
         path={"provider": "nobody"}),
    Step("unlink_identity", "No such identity", error="identity_not_found", path={"identity_id": UNKNOWN_ID}),
]

ERRORS = [
    Step("login", "The body is not JSON", "A brace is missing.", error="invalid_json", body='{"email": "{{email}}"'),
    Step("login", "The same key twice", "Parsers disagree about such a body.", error="invalid_json", body=TWICE),
    Step("get_me", "No token", error="missing_token", token=""),
    Step("login", "The wrong password", "The error is the same for an unknown email.", error="wrong_credentials",
         body={"email": "{{email}}", "password": "NotMyPassword123"}),
    Step("get_me", "A refresh token in the place of an access token", error="invalid_token", token="{{refresh_token}}"),
    Step("get_organization", "An API key that was revoked", error="invalid_api_key", token="{{other_api_key}}"),
    Step("get_me", "A token after sign-out", error="revoked_token", token="{{signed_out_token}}"),
    Step("get_organization", "Not my organization", "The error is the same for an organization that does not exist.",
         error="not_a_member", path={"organization_id": UNKNOWN_ID}),
    Step("get_me", "An API key has no account", error="api_key_not_allowed", token="{{api_key}}"),
    Step("GET /api/v1/nowhere", "No such route", error="not_found"),
    Step("end_session", "No such session", error="session_not_found", path={"session_id": UNKNOWN_ID}),
    Step("remove_member", "No such member", error="member_not_found", path={"user_id": UNKNOWN_ID}),
    Step("GET /api/v1/auth/login", "The wrong method", error="method_not_allowed"),
    Step("register", "The email has an account", error="email_taken"),
    Step("create_invitation", "An invitation", "The next request needs it.", body=NEVER_ACCEPTED),
    Step("create_invitation", "The address has an invitation", error="invitation_pending", body=NEVER_ACCEPTED),
    Step("remove_member", "The last admin leaves", error="last_admin"),
    Step("preview_invitation", "An invitation token that is not valid",
         "The error is the same for unknown, used, declined, revoked, replaced and expired tokens.",
         error="invalid_invitation", body={"token": "it_unknown"}),
    Step("verify_email", "A token of an email that is not valid", error="invalid_email_token",
         body={"token": "et_unknown"}),
    Step("create_organization", "The body is too large", "It may have 64 KiB.", error="body_too_large",
         body={"name": "{{$randomLoremParagraphs}}" * 200}),
    Step("login", "The content type is not JSON", error="unsupported_media_type", content_type="text/plain"),
    Step("create_organization", "An unknown field", "Unknown fields are errors and never ignored.", error=INVALID,
         expects={"errors": {"json": {"colour": ["Unknown field."]}}}, body={"name": "Acme", "colour": "blue"}),
    Step("register", "Fields that are not valid", "`errors` says what is wrong with each field.", error=INVALID,
         expects={"errors": {"json": {"email": ["Not a valid email address."], "password": ["Not a valid string."]}}},
         body={"email": "ada at example.com", "password": 12345678}),
    Step("register", "A weak password", error=INVALID, body={"email": "eve@example.com", "password": "swordfish-tango"},
         expects={"errors": {"json": {"password": ["Use both letters and digits."]}}}),
    Step("create_api_key", "A role that no API key may have", "A key is a developer at most.", error=INVALID,
         expects={"errors": {"json": {"role": ["Choose one of developer, viewer."]}}},
         body={"name": "training pipeline", "role": "admin"}),
    Step("get_organization", "An id that is not a UUID", path={"organization_id": "acme-research"}, error=INVALID,
         expects={"errors": {"path": {"organization_id": ["Not a valid UUID."]}}}),
]

SERVICES = [
    Step("jwks", "The public keys", expects={"keys.some((key) => key.d || key.k)": False}),
    Step("authorization_server_metadata", "Where the keys are", expects={"issuer": "{{base_url}}"}),
    Step("openid_configuration", "The same at another address", expects={"issuer": "{{base_url}}"}),
    Step("decision_point_metadata", "Where to ask for decisions"),
    Step("evaluate", "A decision without a key", "`flask --app wsgi service-keys create` makes one.", token="",
         error="missing_service_key"),
    Step("evaluate_all", "Decisions with an access token", "Send a service key, no access token.",
         error="invalid_service_key"),
    Step("introspect_token", "Introspection without a key", "`flask --app wsgi service-keys create` makes one.",
         error="missing_service_key", token="", body="token={{access_token}}",
         content_type="application/x-www-form-urlencoded"),
    Step("list_revocations", "Revocations with an access token", "Send a service key, no access token.",
         error="invalid_service_key"),
    Step("check_access", "A check", "What a proxy asks before it lets a request through.",
         query={"organization_id": "{{organization_id}}", "role": "viewer"}),
    Step("check_access", "A malformed check", query={"organization_id": "acme-research"}, error="invalid_check"),
]

OPERATOR = [
    Step("list_users", "Accounts", "`flask --app wsgi operators grant` makes an operator.", error="operator_only"),
    *(Step(operation, name, error="operator_only") for operation, name in {
        "get_user": "One account", "list_user_organizations": "Its organizations",
        "list_user_audit_events": "Its history", "deactivate_user": "Deactivate an account",
        "activate_user": "Activate it again", "end_user_sessions": "End its sessions",
        "list_all_organizations": "Organizations of everybody", "get_any_organization": "An organization of anybody",
        "list_any_members": "The members of an organization of anybody",
        "suspend_organization": "Suspend an organization", "restore_organization": "Restore it",
        "list_outbox": "Emails that are not sent", "get_health": "How is the service?",
    }.items()),
    Step("retry_email", "Try an email again", path={"message_id": UNKNOWN_ID}, error="operator_only"),
]

LEAVING = [
    Step("export_me", "Export all that is known of my account",
         "One JSON document without secrets. It needs a recent sign-in.", expects={"truncated": []}),
    Step("delete_organization", "Delete an organization"),
    Step("delete_me", "Delete my account",
         "Ends your account and all its sessions. It needs your password. Organizations without another member are "
         "deleted too; where others would be left without an admin, the answer is an error.", after=SIGNED_OUT),
]

TOUR = [
    ("1 Start here", "From nothing to your first authenticated request.", START),
    ("2 My account",
     "Your name, password, email address and sessions, and what happened to your account. The tokens come by email, as "
     "in folder 4: `verification_token`, `change_token`, `undo_token` and `reset_token`.", ACCOUNT),
    ("3 Organizations", "You can belong to many organizations, with a role in each.", ORGANIZATIONS),
    ("4 Invitations",
     "You invite an email address. Its owner accepts or declines with the token of the email, the text behind "
     "`#token=`. `make postman` reads the tokens itself. In Postman, copy them into the environment: `make run` "
     "prints every email and writes it to `instance/emails`.\n\n"
     "- `invitation_token`: from the email to `invited_email` that invites to Analytical Engines Ltd\n"
     "- `accepted_token`: from the email to `invited_email` that invites to Acme Research\n"
     "- `declined_token`: from the email to `declining_email`\n\n"
     "A request that needs an empty variable is skipped.", INVITATIONS),
    ("5 Members",
     "The members of an organization and their roles. Requests that need the colleague of folder 4 are skipped "
     "while she has not registered.", MEMBERS),
    ("6 API keys", "Keys for programs, which act in one organization, and jobs that need none.",
     [*API_KEYS, *TRUSTED_IDENTITIES]),
    ("7 Staying signed in",
     "Access tokens live for minutes, sessions for days. Here is how to refresh tokens and how to sign out.",
     SIGNED_IN),
    ("8 Second factor",
     "An authenticator app and recovery codes. The pre-request scripts compute the codes of the app.", SECOND_FACTOR),
    ("9 Passkeys", "Passkeys need a browser and an authenticator. Here is what the requests answer without them.",
     PASSKEYS),
    ("10 Providers",
     "Signing in with Google, GitHub and others needs a browser. Here is what the requests answer without one.",
     PROVIDERS),
    ("11 Error tour",
     "Each error is a problem document (RFC 9457): programs go by `code`, people read `detail`, and `request_id` "
     "finds it in the log.", ERRORS),
    ("12 For other services", "What a service needs that verifies the access tokens itself.", SERVICES),
    ("13 The operator",
     "What the people who run the service see and change, with a second factor. You are none of them: here is what the "
     "requests answer you.", OPERATOR),
    ("14 Leaving", "How to delete what you have made. To start again, go back to folder 1.", LEAVING),
]
# fmt: on
"""The folders: name, description, steps."""
