"""The demonstration: two partners, two days, most of what goes wrong, and what it must come to."""
