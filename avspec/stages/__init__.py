"""Stages: one file a kind, each with `run(params, inputs, out, ctx)`."""
