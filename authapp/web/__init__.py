"""HTTP: the application class, blueprints, OpenAPI, parsing, problem documents, headers. Knows no feature.

Imports `db`, `core` and `security`.
"""
