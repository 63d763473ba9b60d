"""Passwords, keys, tokens, encryption. No Flask and no database, not even indirectly. Imports errors and clock."""
