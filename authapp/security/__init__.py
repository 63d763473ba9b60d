"""Mechanisms: passwords, keys, tokens. No database, no request."""
