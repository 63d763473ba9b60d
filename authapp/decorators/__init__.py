"""Guards: who may call a route. Imports services, db and web."""
