"""What the `worker` process does again and again, and `organizations` for jobs of anybody's own.

A job may run in several processes at once: it takes what it works on with a lock or a lease, in small transactions.
"""
