"""Symbolic regression suites: their problems, the engines, the runner and its page."""
