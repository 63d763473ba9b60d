"""One command, one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from authapp.core.errors import ApiError
from authapp.db import transaction
from authapp.db.errors import connection_failure, is_not_migrated
from authapp.services.members import LastAdmin
from authapp.web.key_store import KeysUnreadable

_HINT = "Set that one; if it is being replaced, set it as SECRET_KEY_PREVIOUS."
WRONG_SECRET = f"SECRET_KEY is not the one that this database was encrypted with. {_HINT}"


@contextmanager
def committed() -> Iterator[None]:
    """Run the block in a transaction and commit it. Errors become a sentence and the exit status 1."""
    try:
        yield
        transaction.commit()
    except LastAdmin:
        hint = "First run: users activate EMAIL, or: organizations promote ID EMAIL"
        raise click.ClickException(f"The organization has no active admin. {hint}") from None
    except KeysUnreadable:
        raise click.ClickException(WRONG_SECRET) from None
    except ApiError as error:  # of a hook
        raise click.ClickException(f"{error.detail} ({error.code})") from None
    except ProgrammingError as error:
        if is_not_migrated(error):
            raise click.ClickException("The database is not migrated. Run: flask --app wsgi db upgrade heads") from None
        raise
    except OperationalError as error:
        raise click.ClickException(connection_failure(error)) from None
