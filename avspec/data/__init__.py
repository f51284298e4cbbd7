"""Rows that come with the built-in domain plugins."""
