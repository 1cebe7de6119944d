"""Looking into mailboxes: one job for each, a minute apart; every mail is a commit of its own."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from imaplib import IMAP4
from typing import Any

from django.db import OperationalError
from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted

from crm import slots
from crm.company.models import SystemSwitches
from crm.ground import clock, safe_http
from crm.ground.sentences import said
from crm.ground.shown import beside
from crm.messages.mail.inbox import languages, received_mail, unreadable
from crm.messages.mail.reading import MOST_BYTES, Unreadable, read_guarded
from crm.messages.models.mailboxes import Mailbox
from crm.slots import Health
from crm.work.jobs import Permanent
from crm.work.leased import Status
from crm.work.models import Job
from crm.work.queue import Kind, every, register_kind

KIND = "read_mailbox"
log = logging.getLogger("dealwright.mail")
TIMEOUT = 10  # seconds for each step of the conversation
TURN_SECONDS = 25.0  # well within a job's lease
FETCH_SECONDS = 25.0  # of one mail
PIECE_BYTES = 1024 * 1024
HEAD_BYTES = 262144  # what is read of a mail that is too large
# A mailbox that could not be read is left alone for so long: a silent server holds a place for work that leaves.
REST = timedelta(minutes=5)
CLASSES: dict[str, Any] = {
    Mailbox.Security.TLS: MailBox,
    Mailbox.Security.STARTTLS: MailBoxStartTls,
    Mailbox.Security.NONE: MailBoxUnencrypted,
}


class Unreachable(Exception):
    """The mailbox could not be opened or read; the sentence says why."""


def plan_all(job: Any) -> None:
    """Each minute: a job for every active mailbox whose last one has ended."""
    rests = Mailbox.objects.exclude(fault="").filter(checked_at__gt=clock.now() - REST)
    busy = Job.objects.filter(kind=KIND, status__in=(Status.PLANNED, Status.RUNNING, Status.SENDING))
    taken = {row["mailbox"] for row in busy.values_list("payload", flat=True)}
    for pk in (
        Mailbox.objects.filter(is_active=True)
        .exclude(pk__in=[*taken, *rests.values_list("pk", flat=True)])
        .values_list("pk", flat=True)
    ):
        key = f"mailbox:{pk}:{clock.now().timestamp():.0f}"
        Job.plan(KIND, key, channel_key=f"mailbox:{pk}", payload={"mailbox": pk})


def look_into(mailbox: Mailbox) -> int:
    """Take over what is new; returns how many mails. Raises Unreachable."""
    if not mailbox.password():
        raise Unreachable(said("mailbox.no_password", "The password is missing or cannot be read any more."))
    try:
        safe_http.check_host(mailbox.host, mailbox.port, SystemSwitches.mail_hosts())
    except safe_http.Unsafe as error:
        raise Unreachable(str(error)) from error
    try:
        box: Any = CLASSES[mailbox.security](mailbox.host, mailbox.port, timeout=TIMEOUT)
        try:
            # Older servers take letters beyond ASCII only in another way.
            plain = (mailbox.user + mailbox.password()).isascii()
            (box.login if plain else box.login_utf8)(mailbox.user, mailbox.password(), mailbox.folder)
            return _take_new(mailbox, box)
        finally:
            _leave(box)
    except (ImapToolsError, IMAP4.error, OSError, ValueError, OverflowError) as error:
        raise Unreachable(said("mailbox.unreadable", "The mailbox cannot be read: %s") % str(error)[:200]) from error


def _leave(box: Any) -> None:
    """Also where the login was refused; what the server says to it does not matter any more."""
    try:
        box.client.logout()
    except (IMAP4.error, OSError):
        box.client.shutdown()


def _take_new(mailbox: Mailbox, box: BaseMailBox) -> int:
    state = box.folder.status(mailbox.folder, ["UIDVALIDITY", "UIDNEXT"])
    if mailbox.validity != state["UIDVALIDITY"]:
        if mailbox.validity is None:
            _remember(mailbox, state["UIDNEXT"] - 1, state["UIDVALIDITY"])
            return 0
        # The server numbers anew: everything is looked at again, what is known stays known by its Message-ID.
        _remember(mailbox, 0, state["UIDVALIDITY"])
    # SINCE counts the server's days; the day before is looked at as well, what is known stays known.
    since = (mailbox.since - timedelta(days=1)).strftime("%d-%b-%Y")
    found = map(int, box.uids(f"UID {mailbox.last_uid + 1}:* SINCE {since}"))
    fresh = sorted(uid for uid in found if uid > mailbox.last_uid)
    end, taken = time.monotonic() + TURN_SECONDS, 0
    for uid in fresh:
        if time.monotonic() > end:
            break
        raw, cut = _fetch(box, uid, in_haste=taken > 0 and time.monotonic() > end - TURN_SECONDS / 2)
        if raw is None:
            break  # a large one, and not enough time left: the next turn begins with it
        _take(mailbox, uid, raw, cut)
        _remember(mailbox, uid)
        taken += 1
    return taken


def _take(mailbox: Mailbox, uid: int, raw: bytes, cut: bool) -> None:
    """One broken mail must not keep back all that come after it; a database that is away must."""
    mark = f"{mailbox.validity}/{uid}"
    try:
        received_mail(mailbox.channel, read_guarded(raw, cut, languages()))
    except Unreadable:
        unreadable(mailbox.channel, raw, mark)
    except OperationalError:
        raise
    except Exception:
        log.exception("mail %s of mailbox %s", mark, mailbox.pk)
        unreadable(mailbox.channel, raw, mark)


def _remember(mailbox: Mailbox, uid: int, validity: int | None = None) -> None:
    mailbox.last_uid = uid
    values = {"last_uid": uid}
    if validity is not None:
        mailbox.validity = values["validity"] = validity
    Mailbox.objects.filter(pk=mailbox.pk).update(**values)


def _fetch(box: BaseMailBox, uid: int, in_haste: bool) -> tuple[bytes | None, bool]:
    """(the mail, or its beginning where it is too large; is it only that). Nothing is marked as read.

    Empty for one that was deleted meanwhile; None for a large one when it is late.
    """
    size = int(_number(_ask(box, uid, "(RFC822.SIZE)"), b"RFC822.SIZE"))
    if in_haste and size > HEAD_BYTES:
        return None, False
    most = MOST_BYTES if size <= MOST_BYTES else HEAD_BYTES
    end, raw = time.monotonic() + FETCH_SECONDS, b""
    # Piece by piece: over a slow line the beginning is better than a mail that no turn ever finishes.
    while len(raw) < most:
        count = min(PIECE_BYTES, most - len(raw))
        piece = _literal(_ask(box, uid, f"(BODY.PEEK[]<{len(raw)}.{count}>)"))
        raw += piece
        if len(piece) < count:
            return raw, False  # the whole; what servers say of the size is not always true
        if time.monotonic() > end:
            break
    return raw, True


def _ask(box: BaseMailBox, uid: int, what: str) -> list[Any]:
    status, answer = box.client.uid("FETCH", str(uid), what)
    if status != "OK":
        raise IMAP4.error(f"FETCH: {status}")
    return answer or []


def _number(answer: list[Any], name: bytes) -> bytes:
    for part in answer:
        line = part[0] if isinstance(part, tuple) else part
        if isinstance(line, bytes) and name in line:
            return line.split(name, 1)[1].split(b")")[0].split()[0]
    return b"0"


def _literal(answer: list[Any]) -> bytes:
    """Empty for a mail that somebody deleted meanwhile."""
    return next((part[1] for part in answer if isinstance(part, tuple)), b"")


# ---------------------------------------------------------------------- the job


def _perform(job: Job) -> int:
    mailbox = Mailbox.objects.select_related("channel__strangers").filter(pk=job.payload["mailbox"]).first()
    if mailbox is None or not mailbox.is_active:
        return 0
    try:
        return look_into(mailbox)
    except Unreachable as fault:
        raise Permanent(str(fault)) from fault  # in a minute comes the next job


def _conclude(job: Job, outcome: Any) -> None:
    fault = "" if isinstance(outcome, int) else str(outcome or said("crashed", "crashed the worker"))
    Mailbox.objects.filter(pk=job.payload["mailbox"]).update(fault=fault, checked_at=clock.now())
    job.end(Status.FAILED if fault else Status.DONE, fault)


@slots.health_checks.register
def mailboxes_work() -> list[Health]:
    broken = Mailbox.objects.filter(is_active=True).exclude(fault="").first()
    return [Health("mailboxes", fault=beside(broken.name, broken.fault) if broken else "")]


register_kind(Kind(KIND, _perform, outside=True, indoors=True, passing=True, conclude=_conclude))
register_kind(Kind("look_into_mailboxes", plan_all))
every("look_into_mailboxes", timedelta(minutes=1))
