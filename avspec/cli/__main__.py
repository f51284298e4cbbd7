"""`python -m avspec.cli`."""

from avspec.cli import main

main()
