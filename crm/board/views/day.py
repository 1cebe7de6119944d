"""A person's day: what is late, due today and later; the calendar; its private feed for other calendars."""

from __future__ import annotations

import calendar as months
import secrets
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from icalendar import Calendar
from icalendar import Event as Entry

from crm import slots
from crm.ground import clock
from crm.ground.access import public, staff_of_ours
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.people.models import User
from crm.people.signed_in import signed_in

SHOWN = 200


def mine(user: Any) -> Any:
    """Open tasks that are the person's own, and meetings that they take part in, of items that they see or of none."""
    meets = Task.objects.filter(kind=Task.Kind.MEETING, coworkers=user).order_by().values("pk")
    rows = Task.objects.open().filter(Q(assignee=user) | Q(pk__in=meets))
    return rows.filter(item__in=Item.objects.visible_to(user)) | rows.filter(item__isnull=True)


@staff_of_ours
@require_GET
def day(request: HttpRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    if kind and kind not in Task.Kind.values:
        raise Http404
    now = clock.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    rows = mine(request.user).select_related("item", "item__contact").order_by("deadline", "pk")
    if kind:
        rows = rows.filter(kind=kind)
    groups: dict[str, list[Task]] = {"late": [], "today": [], "later": [], "open": []}
    for task in rows[:SHOWN]:
        due = task.deadline
        place = "open" if due is None else "late" if due < now else "today" if due < midnight else "later"
        groups[place].append(task)
    labels = {"late": _("Late"), "today": _("Today"), "later": _("Later"), "open": _("Without a date")}
    context = {
        "parts": [part for make in slots.day_parts if not kind and (part := make(signed_in(request)))],
        "groups": [(key, labels[key], found) for key, found in groups.items() if found],
        "kind": kind,
        "kinds": Task.Kind.choices,
        "nav": "day",
    }
    return render(request, "day/day.html", context)


@staff_of_ours
@require_GET
def calendar(request: HttpRequest) -> HttpResponse:
    """A week or a month (`span`) round a day (`on`, ISO); every day with its tasks, calls and meetings."""
    today = timezone.localdate(clock.now())
    try:
        on = date.fromisoformat(request.GET["on"]) if request.GET.get("on") else today
        on.replace(year=on.year + 1, day=1), on.replace(year=on.year - 1, day=1)  # inside what dates can hold
    except ValueError:
        raise Http404 from None
    span = "month" if request.GET.get("span") == "month" else "week"
    if span == "week":
        start = on - timedelta(days=on.weekday())
        days, back, ahead = 7, on - timedelta(days=7), on + timedelta(days=7)
    else:
        first = on.replace(day=1)
        start = first - timedelta(days=first.weekday())
        length = months.monthrange(on.year, on.month)[1]
        days = 7 * -(-(first.weekday() + length) // 7)
        back, ahead = first - timedelta(days=1), first + timedelta(days=length)
    zone = timezone.get_current_timezone()
    begin = datetime.combine(start, time.min, zone)
    end = datetime.combine(start + timedelta(days=days), time.min, zone)
    by_day: dict[date, list[Task]] = {}
    for task in mine(request.user).filter(deadline__gte=begin, deadline__lt=end).order_by("deadline")[:1000]:
        by_day.setdefault(timezone.localdate(task.deadline), []).append(task)
    shown = [start + timedelta(days=number) for number in range(days)]
    context = {
        "weeks": [[(d, by_day.get(d, [])) for d in shown[n : n + 7]] for n in range(0, days, 7)],
        "span": span,
        "on": on,
        "today": today,
        "back": back.isoformat(),
        "ahead": ahead.isoformat(),
        "feed": _feed_address(request.user),
        "nav": "day",
    }
    return render(request, "day/calendar.html", context)


def _feed_address(user: Any) -> str:
    return settings.PUBLIC_URL + reverse("calendar-feed", args=[user.feed_token]) if user.feed_token else ""


@staff_of_ours
@require_POST
def feed_switch(request: HttpRequest) -> HttpResponse:
    """A new private address (the old one stops), or none."""
    on = request.POST.get("on") == "1"
    User.objects.filter(pk=signed_in(request).pk).update(feed_token=secrets.token_urlsafe(32) if on else None)
    words = _("The address is new; an older one does not work any more.") if on else _("The address was switched off.")
    messages.success(request, words)
    return redirect("calendar")


@public
@require_GET
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """iCalendar (RFC 5545) of the person's dated tasks. The address is the secret; titles only, no customer data."""
    user = User.objects.filter(feed_token=token, is_active=True).first()
    if user is None:
        raise Http404
    book = Calendar()
    book.add("prodid", "-//Dealwright//EN")
    book.add("version", "2.0")
    book.add("x-wr-calname", f"Dealwright · {user.name}")
    since = clock.now() - timedelta(days=30)
    for task in mine(user).filter(deadline__gte=since).order_by("deadline")[:1000]:
        entry = Entry()
        entry.add("uid", f"task-{task.pk}@dealwright")
        entry.add("dtstamp", task.created_at)
        entry.add("dtstart", task.deadline)
        entry.add("dtend", task.deadline + timedelta(minutes=task.minutes))
        entry.add("summary", task.title)
        if task.place:
            entry.add("location", task.place)
        book.add_component(entry)
    answer = HttpResponse(book.to_ical(), content_type="text/calendar; charset=utf-8")
    answer["Cache-Control"] = "private, no-store"
    return answer
