"""What may be sent and what is answered, as marshmallow schemas. No database, no request. Imports core."""
