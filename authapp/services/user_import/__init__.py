"""Importing accounts, organizations and memberships: a batch of lines in as many statements as a single line.

What is there already stays as it is, so the same lines can be imported again. A batch locks in the order of `locks`:
accounts, then organizations, each sorted. So two imports wait for each other and do not deadlock.
"""
