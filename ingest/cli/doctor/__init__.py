"""Looking at everything ingest stands on, however much of it is broken; nothing is made or changed."""
