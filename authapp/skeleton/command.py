"""The command `authapp`."""

from __future__ import annotations

from pathlib import Path

import click

from authapp import __version__
from authapp.skeleton.names import require_free
from authapp.skeleton.writing import write

NEXT = """The project is in {name}/. Next:

  cd {name}
  make run

README.md there says how to go on."""


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Start a project on authapp. The commands of a project are flask's: flask --app wsgi --help"""


@main.command()
@click.argument("name")
def new(name: str) -> None:
    """Write a project into the folder NAME: a package NAME, its migrations, its tests.

    The folder must be empty, or not exist. Nothing is overwritten.
    """
    require_free(name)
    folder = Path(name)
    try:
        folder.mkdir(exist_ok=True)
        if any(folder.iterdir()):
            raise click.ClickException(f"The folder {name}/ is not empty. Choose another name, or empty it first.")
        write(name, folder)
    except OSError as error:
        raise click.ClickException(f"{error.filename or name} cannot be written: {error.strerror}.") from None
    click.echo(NEXT.format(name=name))
