"""Key to files: artifacts that are whole or absent, whatever happens while they are written."""
