"""Sign-in with a provider: the protocols of OpenID providers and of GitHub. Knows no request and no database."""
