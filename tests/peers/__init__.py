"""The real programs that Gnomon is compared with: pinned, installed, started and stopped."""
