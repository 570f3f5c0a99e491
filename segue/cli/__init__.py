"""The command line: `segue --help` tells all of it."""

from segue.cli.main import main

__all__ = ["main"]
