"""Secrets never leave the settings: what is shown of them is `***`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MASK = "***"
# The last @ before the path: a password may hold one.
_PASSWORD = re.compile(r"(?<=://)([^/?#\s]*?):([^/?#\s]*)@")
_BUCKET_USER = re.compile(r"(?<=s3://)[^/?#\s@]*@")
_PARAMETER = re.compile(r"(?i)([?&;][^=&;\s]*(?:password|passwd|secret|token|key)[^=&;\s]*=)[^&;\s]*")
_SECRET_NAME = re.compile(r"(?i)passw|passphrase|secret|token|credential|api_?key|private_?key|authorization")


def mask(key: str, value: object) -> object:
    """`value` as it may be shown, given the dotted `key` it belongs to."""
    if isinstance(value, Mapping):
        return {name: mask(f"{key}.{name}", each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [mask(key, each) for each in value]
    if _SECRET_NAME.search(key.rpartition(".")[2]):
        return _MASK
    return mask_url(value) if isinstance(value, str) else value


def mask_url(text: str) -> str:
    """`text` without the password of any address in it."""
    text = _BUCKET_USER.sub(f"{_MASK}@", text)  # a bucket has no user: what stands there is meant as a key
    return _PARAMETER.sub(rf"\g<1>{_MASK}", _PASSWORD.sub(rf"\g<1>:{_MASK}@", text))
