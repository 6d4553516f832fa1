"""SQLite itself: its driver, a database's files and their soundness, how a commit is noticed, its errors."""
