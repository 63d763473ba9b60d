"""The development database, and what works on it: `make shell`, `make psql`, `make migration`, `make db-reset`."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click
import psycopg2
from dotenv import dotenv_values

from authapp import instance
from authapp.config import read_settings
from authapp.dev.postgres import ROLE, create_database, embedded_postgres, psql_path

CONNECT_TIMEOUT_SECONDS = 5


@contextmanager
def development_database() -> Iterator[None]:
    """The embedded PostgreSQL for as long as it is needed, or the one that DATABASE_URL names, which has to answer."""
    _refuse_production()
    url = read_settings().database_url
    if url == instance.database_url():
        with embedded_postgres(instance.postgres_folder()) as socket_folder:
            create_database(socket_folder, ROLE)
            yield
        return
    try:
        psycopg2.connect(url, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
    except psycopg2.OperationalError as error:
        raise click.ClickException(
            f"{str(error).strip()}\nStart the PostgreSQL of DATABASE_URL, or unset DATABASE_URL for the embedded one."
        ) from None
    yield


def _refuse_production() -> None:
    """Refuse the database of a `.env` for production, which the environment of `make` would turn into development."""
    if read_settings().in_production or dotenv_values(instance.ROOT / ".env").get("APP_ENV") == "production":
        raise click.ClickException("APP_ENV is production in the environment or in .env. This is for development.")


@click.group()
@click.option("--app", default="wsgi", help="The module whose `app` the flask command loads.")
@click.pass_context
def main(context: click.Context, app: str) -> None:
    """Work on the development database. The embedded PostgreSQL is started for the command where it does not run."""
    context.obj = [sys.executable, "-m", "flask", "--app", app]


@main.command()
@click.pass_obj
def shell(flask: list[str]) -> None:
    """Open flask's shell."""
    with development_database():
        _run(*flask, "db", "upgrade", "heads")
        _run(*flask, "shell")


@main.command()
def psql() -> None:
    """Open psql: the one of the embedded PostgreSQL, or else the system's."""
    with development_database():
        click.echo(
            "To see the rows of an organization: SELECT set_config('authapp.organization_id', 'ID', false);", err=True
        )
        _run(psql_path(), read_settings().database_url)


@main.command()
@click.argument("message")
@click.pass_obj
def migration(flask: list[str], message: str) -> None:
    """Write the migration that leads from the migrated database to the models."""
    with development_database():
        _run(*flask, "db", "upgrade", "heads")
        _run(*flask, "db", "migrate", "--message", message)


@main.command()
@click.option("--force", is_flag=True, envvar="FORCE", help="Also where DATABASE_URL names another PostgreSQL.")
@click.pass_obj
def reset(flask: list[str], force: bool) -> None:
    """Drop everything in the database, and migrate it again."""
    _refuse_production()
    if read_settings().database_url != instance.database_url() and not force:
        raise click.ClickException(
            "DATABASE_URL does not name the embedded PostgreSQL. To drop everything in it: FORCE=1 make db-reset"
        )
    with development_database():
        with closing(psycopg2.connect(read_settings().database_url)) as connection, connection:
            connection.cursor().execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        _run(*flask, "db", "upgrade", "heads")
    click.echo("The database is empty and migrated.")


def _run(*command: str) -> None:
    """Run a command, which takes Ctrl-C itself, and end with its status unless it succeeds."""
    signal.signal(signal.SIGINT, lambda *_: None)
    if status := subprocess.run(command, check=False).returncode:  # noqa: S603  our own commands
        sys.exit(status)


if __name__ == "__main__":
    main()
