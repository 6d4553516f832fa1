"""From a delivery that is due to its outcome: claim it, run its processor, apply what it hands over.

Knows nothing of how files land. In the order in which a delivery meets them:

- `worker` is a run of `ingest work`. In its `beginning` it asks what the processors declare (`asking`, in
  the process `declare`, which answers with `declared`) and enrols them (`enrol`). Others see it by its
  `listing`.
- `supervisor` notices what is due, at its `pace`, and has a `lookout` for dead workers (`takeover`). Its
  `pool` has the children it `spawned`, each in one of the `rooms`, with the `start_failures`, `deaths` and
  `leftovers` of those before. What is wrong with the surroundings (`outages`) is waited out.
- `child` alone runs processors. It is `started` with a `spec`; `loading` one makes it a `trade`; the
  `keeper` keeps the process as it was and within its `memory`, and the `stage` says what runs.
- `cycle`, fitted out by `outfit` with the bytes on its `shelf`, claims deliveries. `perform` runs one in a
  `context`, where `proving` its bytes may come first, and what is handed over collects in a `spool`.
  `settle` commits it, and `calling` makes its calls; a `shadow` only compares.
- `trial` is one run of which nothing stays. `clock` and `pipes` serve all.
"""
