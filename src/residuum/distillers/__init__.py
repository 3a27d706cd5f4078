"""What it means: formulas for hidden samples."""
