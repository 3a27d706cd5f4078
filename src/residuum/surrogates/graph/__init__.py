"""Messages between bodies: what fills the hidden terms of systems with pair forces."""
