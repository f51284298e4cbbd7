"""Coefficients to behaviors: evaluations and their cache, the objective, the study."""
