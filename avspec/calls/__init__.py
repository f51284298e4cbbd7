"""Calls to language models: kept on disk, counted, paid once."""
