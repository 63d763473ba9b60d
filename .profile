# Heroku runs this before each process of a dyno.

# PostgreSQL is reached over the network, so its connections need TLS.
export PGSSLMODE="${PGSSLMODE:-require}"

# Heroku's key-value store has a certificate that no authority has signed, so it cannot be verified.
case "${REDIS_URL:-}" in
  rediss://*\?*) ;;
  rediss://*) export REDIS_URL="$REDIS_URL?ssl_cert_reqs=none" ;;
esac
