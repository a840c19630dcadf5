"""Secrets: passwords, API keys, the cipher of tokens, and what must not be shown."""
