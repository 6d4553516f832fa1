"""What becomes of a source's file once its bytes are safe: `after = "move:DIR"` or `"delete"`, never before.

`leaving` works off what is owed, `departing` does it with one file, through the private names of `exits`,
which `strays` finds again after a crash. `patience` is when what failed is tried again, `barred` what is
refused at the start.
"""
