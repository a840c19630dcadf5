"""Rows that threads write behind their callers: buffered writers, their marks, their end."""
