"""Notes the digest of every file as a processor sees it, in no order."""

from __future__ import annotations

from hashlib import sha256

from ingest import Context, FileLanded, processor, table

COPIES = table("copies", path=str, sha256=str, size=int)


@processor(accepts=FileLanded, version="1")
def copies(event: FileLanded, ctx: Context) -> None:
    """What was read stands beside what was announced."""
    with ctx.open() as file:
        data = file.read()
    ctx.insert(COPIES, {"path": event.path, "sha256": sha256(data).hexdigest(), "size": len(data)})
