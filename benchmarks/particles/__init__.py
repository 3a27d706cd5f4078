"""Bodies with pair forces: the twelve cases of Cranmer et al. 2020, and what is measured."""
