"""Spec to plan: the stages, their keys, and what would run and why. Pure and fast; never imports torch."""
