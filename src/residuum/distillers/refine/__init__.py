"""What happens to formulas after a search: fewer, polished, pruned, with round constants."""
