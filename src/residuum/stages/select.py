"""select: put the formulas back, refit them on the raw data, and choose one law."""

from residuum.laws.select import select as select_law
