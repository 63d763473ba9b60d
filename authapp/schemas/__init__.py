"""The words of the API: what may be sent, what is answered. No database, no request."""
