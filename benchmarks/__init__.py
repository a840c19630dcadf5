"""Benchmarks: the store beside the raw driver and beside the same work through an ORM.

Nothing here is asserted in a test: each figure is printed with what was promised for it.
"""

BROKER = "zerodha"
