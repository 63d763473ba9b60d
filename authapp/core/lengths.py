"""The greatest lengths, in characters, of what is stored and what may be sent."""

PERSON_NAME = 100  # first_name, last_name
ORGANIZATION_NAME = 200
API_KEY_NAME = 100
SERVICE_KEY_NAME = 63
TRUSTED_IDENTITY_NAME = 100
CLAIM_NAME = 100
CLAIM = 500
JOB_TOKEN = 16_384  # of other systems
SLUG = 63  # a DNS label, RFC 1035 section 2.3.4
EMAIL = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
PASSWORD = 1024
OPAQUE_TOKEN = 200
CODE = 64  # a one-time code with what people type between its characters
JWT = 4096
USER_AGENT = 400
REQUEST_ID = 64
AUDIT_ACTION = 64
PASSKEY_NAME = 100
CREDENTIAL_ID = 1023  # bytes, WebAuthn section 4
ISSUER = 255
SUBJECT = 255  # OpenID Connect Core section 2
ADDRESS = 2048
CODE_CHALLENGE = 43  # SHA-256 in base64url, RFC 7636 section 4.2
CODE_VERIFIER = 128  # RFC 7636 section 4.1
