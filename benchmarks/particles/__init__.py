"""Bodies with pair forces: twelve cases after Cranmer et al. 2020, and what is measured."""
