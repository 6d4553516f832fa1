"""Durable state: the only package that knows SQL.

Functions take `tx`, an open transaction, and `now`; whoever opened it commits.
Those that go through all of something take the store, so that no snapshot is
held for long. In the order in which a fact meets them:

- Opening: `opening` finds a store, `migrate` brings it up to date, `engine` is the open store and its two
  kinds of transaction; `schema` has the tables. Below: `sqlite`, `dialect`, `lookup`, `directories`,
  `foreign`.
- Landing: `sightings` are what was seen, `landings` what landed, `away` what was turned away, `contents`
  the bytes; `departures` are owed, `gaps` may have hidden something, `sources` say how each source is
  doing.
- The log: `outbox` appends facts, `routing` makes their deliveries for `subscriptions`; `filling` makes
  those of past facts, of which `selection` says which are meant.
- Work: `workers` are listed and `presence` proves that they live; `lanes` are claimed, and what is started
  there is `held`. `deliveries` end, are charged with `crashes`, or are `dead` and wait for `decisions`.
  `setback` is for a wall clock that was set back.
- Results: a `handover` is held to `rules`. `applying` it books rows (`booking`) in the processors'
  `tables`, appends facts (`retelling`) and keeps `effects`; `calls` go outside while `pending_outcomes`
  wait for them.
- Again: `replays` make past facts due; `comparing` finds what would change against what stands
  (`standing`), in parts that fit in memory (`sides`, `spilling`), and `shadows` keep it.
- Upkeep: `integrity`, `backup`, `pruning`; contents go by `retiring`, events by `burying`, outcomes by
  `forgetting`, all by `marks` and in recorded `runs`. What is only read is in `reading`.
"""
