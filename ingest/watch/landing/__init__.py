"""The step from a whole file to a committed fact.

`admission` says what is refused, `take` copies and hashes the bytes, `lander` gathers a batch, and `land`
commits it in one transaction, with what `drafts` words; `by_hand` is the same step for `ingest land`.
"""
