"""What a value must be, without SQL: the clock, text, JSON, numbers, money, days, arguments."""
