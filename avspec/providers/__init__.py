"""Built-in providers: language models that answer requests, one a file."""
