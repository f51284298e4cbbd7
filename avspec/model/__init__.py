"""Models outside training: loading, scoring, vectors, editing, generation."""
