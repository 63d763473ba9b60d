"""gunicorn: its settings, its logger, and its gevent worker with time limits. Imports web, db and core."""
