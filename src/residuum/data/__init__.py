"""What we measured: observations, importers, simulation, scaling and splits."""
