"""One reader for each broker's files."""
