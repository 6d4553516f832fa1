"""Files that another file speaks for: a marker beside each (`markers`), or a manifest (`manifests`).

`announcing` is what both have in common; `choosing` takes the one that the source's settings ask for.
"""
