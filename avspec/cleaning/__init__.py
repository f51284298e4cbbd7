"""What makes a written row unusable, one check a file."""
