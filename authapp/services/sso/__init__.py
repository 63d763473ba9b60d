"""Sign-in with a provider: the way there and back, its states and codes, and whose account it is."""
