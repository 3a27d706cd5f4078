"""How well residuum does, measured: cases with a known answer, beside published figures."""
