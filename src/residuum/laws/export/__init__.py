"""Laws and formulas as source text of other languages."""
