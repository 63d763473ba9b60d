"""Routes: a blueprint a feature, declarations of at most ten lines. Imports decorators, schemas and services."""
