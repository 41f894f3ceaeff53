"""Systems to watch with Gnomon, small enough to read."""
