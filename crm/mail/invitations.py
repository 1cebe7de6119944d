"""Invitations (iTIP, RFC 5546): what one says, and the answer that it was accepted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.utils import timezone
from icalendar import Calendar, Event, vCalAddress, vText

from crm import clock
from crm.addresses import one_spelling

MOST = 200_000  # bytes of a calendar that are looked at
ASKS = ("REQUEST", "CANCEL")


def read(content: bytes) -> dict[str, Any] | None:
    """What an event keeps of an invitation, as JSON; None for a calendar that asks for nothing.

    Keys: method, uid, sequence, summary, location, description, organizer, organizer_name; start and end are instants
    (ISO, UTC) or, of a whole day, dates. A time without a zone is meant where the company is.
    Raises ValueError for what is no calendar.
    """
    calendar = Calendar.from_ical(content[:MOST])
    method = str(calendar.get("METHOD", "")).upper()
    event = next(iter(calendar.walk("VEVENT")), None)
    if method not in ASKS or event is None or "DTSTART" not in event:
        return None
    organizer = event.get("ORGANIZER", "")
    start = event.decoded("DTSTART")
    end = (
        event.decoded("DTEND")
        if "DTEND" in event
        else start + event.decoded("DURATION")
        if "DURATION" in event
        else None
    )
    return {
        "method": method,
        "uid": str(event.get("UID", ""))[:400],
        "sequence": int(event.get("SEQUENCE", 0)),
        "summary": _line(event.get("SUMMARY", "")),
        "location": _line(event.get("LOCATION", "")),
        "description": str(event.get("DESCRIPTION", "")).replace("\0", "")[:5000],
        "organizer": one_spelling(str(organizer).partition(":")[2] or str(organizer))[:254],
        "organizer_name": _line(getattr(organizer, "params", {}).get("CN", "")),
        "start": _told(start),
        "end": _told(end) if end is not None else "",
        "repeats": "RRULE" in event,
    }  # fmt: skip


def _line(value: Any) -> str:
    return " ".join(str(value).replace("\0", "").split())[:200]


def _told(moment: date) -> str:
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return (moment if timezone.is_aware(moment) else timezone.make_aware(moment)).astimezone(UTC).isoformat()


def starts(invitation: dict[str, Any]) -> datetime:
    """When it begins, UTC; a whole day at its first moment where the reader is."""
    return _moment(invitation["start"])


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def is_whole_day(invitation: dict[str, Any]) -> bool:
    return "T" not in invitation["start"]


def accepted(invitation: dict[str, Any], attendee: str, name: str) -> bytes:
    """The answer: a calendar with METHOD:REPLY.

    Args:
        attendee: the address of ours that was invited.
        name: who comes.
    """
    answer, event = Calendar(), Event()
    answer.add("PRODID", "-//Dealwright//EN")
    answer.add("VERSION", "2.0")
    answer.add("METHOD", "REPLY")
    event.add("UID", invitation["uid"])
    event.add("SEQUENCE", invitation["sequence"])
    event.add("SUMMARY", invitation["summary"])
    event.add("DTSTAMP", clock.now())
    for field in ("start", "end"):
        if invitation[field]:
            whole = is_whole_day(invitation)
            moment = date.fromisoformat(invitation[field]) if whole else datetime.fromisoformat(invitation[field])
            event.add(f"DT{field.upper()}", moment)
    event.add("ORGANIZER", vCalAddress(f"mailto:{invitation['organizer']}"))
    who = vCalAddress(f"mailto:{attendee}")
    who.params["PARTSTAT"], who.params["CN"] = vText("ACCEPTED"), vText(name)
    event.add("ATTENDEE", who, encode=False)
    answer.add_component(event)
    return bytes(answer.to_ical())
