"""Using a run: chat in the terminal, and measure it on one's own rows."""
