"""What is kept in memory: single values by key, whole masters of symbols, and their counts."""
