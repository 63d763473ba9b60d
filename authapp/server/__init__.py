"""gunicorn: its settings, and its gevent worker with time limits. Imports core; nothing imports it but development."""
