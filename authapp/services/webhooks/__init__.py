"""Webhooks: events of organizations that are sent to other services, signed and tried again."""
