"""What is only read: lists, reports and proofs of what stands.

No module of the store that writes imports from here.

- `browsing` is the log by pages, `history` what came of events, `census` what types of events there are.
- `reports` is the status, `roster` who is subscribed, `replayed` what a replay came to.
- `refused` are rows that processors refused, `booked` those they booked.
- `verifying` proves the log; `glimpse` finds names for who types one.
"""
