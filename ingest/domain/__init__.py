"""The pure core: facts, names and rules. No I/O, no clock, no randomness, no third party."""
