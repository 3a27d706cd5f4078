"""Laws in other notations."""
