"""PostgreSQL: engines, transactions, tenant context, credential look-ups, pages. Imports `core` and nothing above.

Three ways to send a statement, and when:

- `transaction.execute`, `scalar`: Core statements in the request's transaction. The default.
- `transaction.fetch_one`: the same with a text that was compiled once, for a statement of a hot path.
- `transaction.fetch_autocommit`: a look-up that needs no transaction, because the request sends nothing else.

The guards' look-ups are PostgreSQL functions, see `credentials.sql`.
"""
