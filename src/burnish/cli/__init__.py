"""The command line: one file a verb, no logic here."""

import sys

from burnish.errors import BurnishError


def main() -> None:
    """Runs a command; an error that the user can mend is printed without a traceback."""
    from burnish.cli.app import app

    try:
        app()
    except BurnishError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
