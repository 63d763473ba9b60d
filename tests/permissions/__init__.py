"""Permissions and roles that an application declares."""
