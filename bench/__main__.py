"""`python -m bench`."""

import sys

# Worker processes import this file too; they need nothing of it.
if __name__ == "__main__":
    from bench.cli.process import run

    sys.exit(run())
