"""Built-in domains: one plugin a file, its rows in `avspec/data/`."""
