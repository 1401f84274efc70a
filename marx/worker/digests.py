"""The names of blobs: SHA-256 in hexadecimal. A name becomes a file's name, so what others say is looked at first."""

from __future__ import annotations

import re
from typing import Any

_DIGEST = re.compile("[0-9a-f]{64}")


def is_digest(name: Any) -> bool:
    """Whether this can be the name of a blob."""
    return isinstance(name, str) and _DIGEST.fullmatch(name) is not None
