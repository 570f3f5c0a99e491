"""The command line: `segue --help` tells all of it.

A module here holds what may be typed and how an answer looks. Whatever does the work is imported by the function that
needs it, not by the module: all of Segue takes seconds to load, and nobody should wait for the parts of other commands.
`tests/test_cli_start.py` says which command may load what.
"""

from segue.cli.main import main

__all__ = ["main"]
