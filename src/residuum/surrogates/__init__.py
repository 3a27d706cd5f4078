"""What fills the gap: networks and splines fitted to data and physics."""
