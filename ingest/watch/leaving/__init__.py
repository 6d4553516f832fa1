"""What becomes of a source's file once its bytes are safe: `after = "move:DIR"` or `"delete"`, never before.

`leaving` works off what is owed, in `tasks` that are done folder by folder. `departing` is one file's way to
one of the `exits`, under a private name, where `strays` may be found after a crash. `patience` is when
it is tried again, `barred` what is refused at the start.
"""
