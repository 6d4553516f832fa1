"""SQLite itself: its driver, the files of a database, whether they are sound, and what its errors mean."""
