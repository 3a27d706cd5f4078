"""`python -m residuum`."""

from residuum.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
