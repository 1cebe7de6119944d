"""Who asks, typed: pages that declare users as their audience have one (crm/ground/access.py)."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from crm.people.models import User


def signed_in(request: HttpRequest) -> User:
    """The signed-in user. Only for views whose audience are users or tokens: elsewhere it may be nobody."""
    return cast(User, request.user)
