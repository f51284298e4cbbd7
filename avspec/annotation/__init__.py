"""People and judges say the level of responses without seeing it; how far they agree (paper, section 3.3)."""
