"""What we tell: figures and pages."""
