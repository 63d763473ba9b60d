"""`make run`, the commands on the development database, and a PostgreSQL from a wheel. Never loaded in production."""
