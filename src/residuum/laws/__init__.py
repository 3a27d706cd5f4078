"""The completed equations: refit, choice, intervals and verdict."""
