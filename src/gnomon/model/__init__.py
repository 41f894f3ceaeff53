"""What Gnomon talks about: frozen values without input or output."""
