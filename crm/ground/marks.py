"""What remains of an id, address, number or name of somebody who was erased: nobody without our key can tell whose it was."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "dealwright.erased"
LENGTH = 64  # hexadecimal digits


def keyed_hash(what: str, value: Any) -> str:
    return _hash(settings.SECRET_KEY, what, value)


def keyed_hashes(what: str, value: Any) -> set[str]:
    """With every key that was ours and is still accepted."""
    return {_hash(key, what, value) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)}


def _hash(key: str, what: str, value: Any) -> str:
    return salted_hmac(SALT, f"{what}:{value}", secret=key, algorithm="sha256").hexdigest()
