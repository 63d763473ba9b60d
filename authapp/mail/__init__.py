"""Email: messages from templates, transports, the outbox and its sender. Imports models, security, db and core."""
