"""`python -m authapp.skeleton` in a clone, where the command `authapp` is not installed."""

from authapp.skeleton.command import main

main(prog_name="authapp")
