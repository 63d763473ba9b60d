"""`make run`, and a PostgreSQL from a wheel for development and tests. Never loaded in production."""
