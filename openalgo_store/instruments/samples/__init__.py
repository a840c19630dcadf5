"""Made-up markets in brokers' formats: for demonstrations, tests and benchmarks."""
