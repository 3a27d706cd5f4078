"""Genetic search for formulas: a compiled engine on islands."""
