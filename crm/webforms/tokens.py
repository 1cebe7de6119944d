"""Signed form tokens: cookie-free protection of public forms against forgery, haste and double clicks."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from django.core import signing

SALT = "webform"
# A browser that fills in everything at once lets a person send after a second or two; the stamp counts whole seconds.
MIN_SECONDS = 1
MAX_SECONDS = 24 * 3600


class BadToken(Exception):
    """Forged, or made for another form."""


@dataclass(frozen=True)
class FormToken:
    """Args: nonce: unique to this showing of the form. version: of the form. age: seconds of real time."""

    nonce: str
    version: int
    age: float

    @property
    def too_fast(self) -> bool:
        return self.age < MIN_SECONDS

    @property
    def expired(self) -> bool:
        return self.age > MAX_SECONDS


def issue(form_id: int, version: int) -> str:
    return signing.dumps([form_id, version, secrets.token_urlsafe(16)], salt=SALT)


def read(text: str, form_id: int) -> FormToken:
    """Raises BadToken."""
    signer = signing.TimestampSigner(salt=SALT)
    try:
        made_for, version, nonce = signing.loads(text, salt=SALT)
        stamp = signer.unsign(text) and text.rsplit(":", 2)[1]
        issued = signing.b62_decode(stamp)
    except (signing.BadSignature, ValueError, TypeError, IndexError) as error:
        raise BadToken from error
    if made_for != form_id or not isinstance(nonce, str):
        raise BadToken
    return FormToken(nonce=nonce, version=int(version), age=time.time() - issued)
