"""What `benchmarks/bench.py` runs: one section a file, and what they share."""
