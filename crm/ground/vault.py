"""Stored secrets: encrypted at rest, write-only in forms. Keys come from SECRET_KEY; old ones still decrypt."""

import base64
import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *getattr(settings, "SECRET_KEY_FALLBACKS", [])]
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"vault:" + key.encode()).digest())) for key in keys]
    )


def lock(values: dict[str, Any]) -> str:
    return _fernet().encrypt(json.dumps(values).encode()).decode() if values else ""


def unlock(text: str) -> dict[str, Any]:
    """The stored values; empty if the key is no longer known (the channel's health says so)."""
    try:
        found: dict[str, Any] = json.loads(_fernet().decrypt(text.encode())) if text else {}
    except InvalidToken:
        return {}
    return found
