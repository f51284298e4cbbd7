"""Trainers: align the base to one domain."""
