"""The benchmark: authapp beside its baselines, on the same machine, in the same minutes. `make bench` runs it."""
