"""What we know: equations, parameters and the named terms we do not know."""
