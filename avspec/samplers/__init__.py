"""The built-in samplers; `avspec.samplers.shared` lets them share evaluations between behaviors."""
