"""The greatest lengths, in characters, of what is stored and what may be sent."""

PERSON_NAME = 100  # first_name, last_name
ORGANIZATION_NAME = 200
API_KEY_NAME = 100
SLUG = 63  # a DNS label, RFC 1035 section 2.3.4
EMAIL = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
PASSWORD = 1024
OPAQUE_TOKEN = 200
CODE = 64  # a one-time code with what people type between its characters
JWT = 4096
USER_AGENT = 400
REQUEST_ID = 64
AUDIT_ACTION = 64
