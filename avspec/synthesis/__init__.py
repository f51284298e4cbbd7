"""Rows written by a language model: personas, queries, and a response for each level (paper, section 3)."""
