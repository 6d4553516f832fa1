"""Named measurements, each printed as one JSON line beside a reference measured in the same run.

A figure without its reference says more about the disk than about the program,
so none is printed alone. Nothing here passes or fails: a person reads the ratio
beside its target.
"""
