"""Find the hidden terms of a half-known dynamical system and write them as formulas."""

__version__ = "0.1.0"
