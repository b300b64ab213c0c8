"""Entry of `make`: says so plainly when Python is too old, else makes or renews `.venv`. Any Python 3 can read this file."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this line exists to be run by those that are too old
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(
        "foretell: needs Python 3.11 or newer, and "
        + sys.executable
        + " is "
        + found
        + "; cure: install a newer one (Debian 12, RHEL 9: python3.11) or name it: make PYTHON=python3.11 ..."
    )

from environment import main  # not before the version is known

main(sys.argv[1:])
