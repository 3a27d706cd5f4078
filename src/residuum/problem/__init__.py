"""What we know: equations, parameters and hidden terms."""
