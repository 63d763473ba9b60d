"""What the `worker` process does again and again. Imports services, mail and db.

A job may run in several processes at once: it takes what it works on with a lock or a lease, in small transactions.
"""
