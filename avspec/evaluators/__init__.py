"""Evaluators: measure a model with its knobs set."""
