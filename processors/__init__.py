"""Reference processors, and a template for your own.

A module here imports `ingest` and other modules of this package, nothing else
of the product. A module of the same name in the `processors` folder beside
`ingest.toml` takes its place.
"""
