"""Replay: past facts are made due again, on the record; `ingest work` then runs them like any other work."""
