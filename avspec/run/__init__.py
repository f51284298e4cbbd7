"""The loop that carries out a plan: lock, run, commit, resume, and tell the user how far it is."""
