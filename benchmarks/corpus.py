"""The files the benchmarks drop: 2 KB of CSV each, 20 rows, no two alike."""

from pathlib import Path

_ROWS = 20
_SIZE = 2048  # bytes
_HEADER = b"payment_id,account,amount,currency,value_date,counterparty,reference\n"


def write_files(directory: Path, count: int, *, first: int = 0) -> list[Path]:
    """Write `count` files into `directory`, numbered from `first`; returns their paths in order."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"settlement-{number:07d}.csv" for number in range(first, first + count)]
    for number, path in enumerate(paths, first):
        path.write_bytes(content(number))
    return paths


def content(number: int) -> bytes:
    """Give the bytes of file `number`: a header and 20 rows, 2,048 bytes together."""
    width, spare = divmod(_SIZE - len(_HEADER), _ROWS)
    rows = [_row(number, ordinal, width) for ordinal in range(_ROWS - 1)]
    return _HEADER + b"".join(rows) + _row(number, _ROWS - 1, width + spare)


def _row(number: int, ordinal: int, width: int) -> bytes:
    values = f"P{number:07d}{ordinal:02d},ACC{ordinal:03d},{number}.{ordinal:02d},EUR,2024-03-15,Example AG,"
    return values.encode().ljust(width - 1, b"x") + b"\n"
