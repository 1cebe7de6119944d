"""Invitations (iTIP, RFC 5546): what one says, and the answer that it was accepted."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as offset
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from icalendar import Calendar, Event, vCalAddress, vText

from crm.ground import clock
from crm.ground.addresses import one_spelling

MOST = 200_000  # bytes of a calendar that are looked at
ASKS = ("REQUEST", "CANCEL")
# Dates beyond them are nobody's, and some zone could not show them.
YEARS = range(1970, 2201)
# A calendar's own description of a zone is left out before it is parsed: a rule of each second in it would keep the
# parser busy for ever, and the parser remembers what a stranger calls "Europe" for all calendars after it.
ZONE = re.compile(rb"^BEGIN:VTIMEZONE\r?$.*?^END:VTIMEZONE\r?\n?", re.MULTILINE | re.DOTALL | re.IGNORECASE)
ZONE_NAME = re.compile(rb"^TZID:(.{1,200}?)\r?$", re.MULTILINE | re.IGNORECASE)
ZONE_OFFSET = re.compile(rb"BEGIN:STANDARD.{0,2000}?^TZOFFSETTO:([+-])(\d\d)(\d\d)", re.MULTILINE | re.DOTALL)


def read(content: bytes) -> dict[str, Any] | None:
    """What an event keeps of an invitation, as JSON; None for a calendar that asks for nothing.

    Keys: method, uid, sequence, summary, location, description, organizer (an address, or empty), organizer_name;
    start and end are instants (ISO, UTC) or, of a whole day, dates. A time without a zone is meant where the company is.
    Raises ValueError for what is no calendar, or of no time.
    """
    content = content[:MOST]
    zones = _zones(content)
    calendar = Calendar.from_ical(re.sub(rb"\r?\n[ \t]", b"", ZONE.sub(b"", content)))
    method = str(calendar.get("METHOD", "")).upper()
    event = next(iter(calendar.walk("VEVENT")), None)
    if method not in ASKS or event is None or "DTSTART" not in event:
        return None
    organizer = event.get("ORGANIZER", "")
    start, end = _moment_of(event, "DTSTART", zones), _end_of(event, zones)
    return {
        "method": method,
        "uid": _line(event.get("UID", ""))[:400],
        "sequence": int(event.get("SEQUENCE", 0)),
        "summary": _line(event.get("SUMMARY", "")),
        "location": _line(event.get("LOCATION", "")),
        "description": str(event.get("DESCRIPTION", "")).replace("\0", "")[:5000],
        "organizer": _address(str(organizer)),
        "organizer_name": _line(getattr(organizer, "params", {}).get("CN", "")),
        "start": _told(start),
        "end": _told(end) if end is not None and isinstance(end, datetime) == isinstance(start, datetime) else "",
        "repeats": "RRULE" in event,
    }


def read_reply(content: bytes) -> dict[str, Any] | None:
    """The answer to an invitation: uid, sequence, attendee (an address), answer (PARTSTAT); None for any other calendar.

    Raises ValueError for what is no calendar.
    """
    calendar = Calendar.from_ical(re.sub(rb"\r?\n[ \t]", b"", ZONE.sub(b"", content[:MOST])))
    event = next(iter(calendar.walk("VEVENT")), None)
    if str(calendar.get("METHOD", "")).upper() != "REPLY" or event is None or "ATTENDEE" not in event:
        return None
    attendee = event["ATTENDEE"][0] if isinstance(event["ATTENDEE"], list) else event["ATTENDEE"]
    return {
        "uid": _line(event.get("UID", ""))[:100],
        "sequence": int(event.get("SEQUENCE", 0)),
        "attendee": _address(str(attendee)),
        "answer": _line(getattr(attendee, "params", {}).get("PARTSTAT", "")).upper(),
    }


def _zones(content: bytes) -> dict[str, tzinfo]:
    """The standard offset of each zone that the calendar describes; used where its name is nobody's else."""
    found: dict[str, tzinfo] = {}
    for described in ZONE.findall(content):
        name, shift = ZONE_NAME.search(described), ZONE_OFFSET.search(described)
        if name and shift:
            minutes = int(shift[2]) * 60 + int(shift[3])
            if minutes < 24 * 60:
                signed = -minutes if shift[1] == b"-" else minutes
                found[name[1].decode("utf-8", "replace")] = offset(timedelta(minutes=signed))
    return found


def _moment_of(event: Any, name: str, zones: dict[str, tzinfo]) -> date:
    moment: Any = event.decoded(name)
    if not isinstance(moment, date) or moment.year not in YEARS:
        raise ValueError(f"{name} is no time of ours")
    if isinstance(moment, datetime) and timezone.is_naive(moment):
        described = zones.get(str(event[name].params.get("TZID", "")))
        return moment.replace(tzinfo=described) if described is not None else timezone.make_aware(moment)
    return moment


def _end_of(event: Any, zones: dict[str, tzinfo]) -> date | None:
    if "DTEND" in event:
        return _moment_of(event, "DTEND", zones)
    if "DURATION" not in event:
        return None
    end = _moment_of(event, "DTSTART", zones) + event.decoded("DURATION")
    return end if end.year in YEARS else None


def _line(value: Any) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())[:200]


def _address(organizer: str) -> str:
    kind, colon, address = organizer.partition(":")
    found = one_spelling(address if colon and kind.lower() == "mailto" else organizer)[:254]
    try:
        validate_email(found)
    except ValidationError:
        return ""
    return found


def _told(moment: date) -> str:
    return moment.astimezone(UTC).isoformat() if isinstance(moment, datetime) else moment.isoformat()


def starts(invitation: dict[str, Any]) -> datetime:
    """When it begins, UTC; a whole day at its first moment where the reader is."""
    found = datetime.fromisoformat(invitation["start"])
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
    if invitation["organizer"]:
        event.add("ORGANIZER", vCalAddress(f"mailto:{invitation['organizer']}"))
    who = vCalAddress(f"mailto:{attendee}")
    who.params["PARTSTAT"], who.params["CN"] = vText("ACCEPTED"), vText(name)
    event.add("ATTENDEE", who, encode=False)
    answer.add_component(event)
    return bytes(answer.to_ical())
