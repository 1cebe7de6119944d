"""The commonest question of all, every two seconds from every open board: has anything changed?

Answered before session, user and language are loaded, in one question to the database. Whatever is not the plain "no"
goes the usual way, so nothing is decided here twice: a stale version, a session that ended, a pipeline not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Exists, F, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse

from crm.ground import clock
from crm.notices.models.notifications import Notification
from crm.people.models import User
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.pipelines.models import BoardVersion

LIVE = re.compile(r"/board/(\d{1,17})/live/")
SESSION_KEY = re.compile(r"[a-z0-9]{8,40}")
VERSION = re.compile(r"v=(\d{1,17})(&|$)")


class PollingMiddleware:
    """First of all, as nothing that the others add is wanted on an empty answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        board = LIVE.fullmatch(request.path_info)
        if board is not None and request.method == "GET":
            since = VERSION.search(request.META.get("QUERY_STRING", ""))
            session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
            # A cookie may hold anything; a key of ours is letters and digits.
            if since is not None and session and SESSION_KEY.fullmatch(session):
                unread = nothing_new(session, int(board[1]), int(since[1]))
                if unread is not None:
                    return HttpResponse(status=204, headers={"X-Unread": str(unread), "Cache-Control": "no-store"})
        return self.get_response(request)


def nothing_new(session: str, pipeline_id: int, version: int) -> int | None:
    """How many notices are unread, where the session holds, sees the pipeline and has this version; else None."""
    boards = BoardVersion.objects.filter(pipeline=pipeline_id, version=version).order_by()
    found = (
        UserSession.objects.filter(
            Exists(Session.objects.filter(session_key=session, expire_date__gt=clock.now())),
            session_key=session,
            user__is_active=True,
        )
        .annotate(
            compiled=Subquery(boards.values("pipeline__machine_version")),
            unread=Notification.unread_of(OuterRef("user")),
            department=F("user__department"),
            administers=F("user__is_superuser"),
        )
        .values_list("user", "department", "administers", "compiled", "unread")
        .first()
    )
    if found is None or found[3] is None:
        return None
    pk, department, administers, compiled, unread = found
    user = User(pk=pk, department_id=department, is_superuser=administers)
    return unread if rights.sees(user, machine_of(pipeline_id, version=compiled)) else None
