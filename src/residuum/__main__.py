"""`python -m residuum`."""

from residuum.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
