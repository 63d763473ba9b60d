"""The benchmark: authapp beside its floors, on the same machine, in the same minutes. `make bench` runs it."""
