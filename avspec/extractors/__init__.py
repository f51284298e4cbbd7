"""Extractors: aligned and base weights to an Alignment Vector."""
