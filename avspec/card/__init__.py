"""The data card of a domain: what its rows are, and what in them could mislead a model."""
