"""The language: formulas as immutable prefix tokens and a vector of constants."""
