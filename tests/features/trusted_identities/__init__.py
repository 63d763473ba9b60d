"""Trusted identities and workloads."""
