"""Foreign bytes are read in a child process with limits: a mail that would keep a parser busy for hours stops nobody."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings

from crm.work.processes import die_with_parent

R = TypeVar("R")
PATIENCE = 20.0  # seconds, however busy the host is
MEMORY = 1024 * 1024 * 1024  # bytes beyond what the process has


class TooMuch(Exception):
    """It took too long, too much memory, or ended without a word."""


def guarded(work: Callable[..., R], *args: Any, seconds: int | None = None) -> R:
    """What `work(*args)` returns, from a child of ours. It may use neither database nor network.

    Args:
        seconds: of processor time; None: MAIL_READ_SECONDS.

    Raises TooMuch; or whatever the work raises, if it can be handed over.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _answer(writer, work, args, settings.MAIL_READ_SECONDS if seconds is None else seconds)
    os.close(writer)
    try:
        answer = _listen(reader)
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    try:
        done, value = pickle.loads(answer)
    except Exception as error:
        raise TooMuch("reading it took too long or too much memory") from error
    if not done:
        raise value
    return value


def _answer(writer: int, work: Callable[..., Any], args: tuple[Any, ...], seconds: int) -> None:
    """In the child, which ends here: without its parent's cleaning up."""
    try:
        die_with_parent()
        logging.disable(logging.CRITICAL)  # a parser that warns at each byte would fill the disk
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (_size() + MEMORY, _size() + MEMORY))
        try:
            told = (True, work(*args))
        except Exception as error:
            told = (False, error)
        try:
            answer = pickle.dumps(told)
        except Exception:
            answer = pickle.dumps((False, ValueError(str(told[1])[:500])))
        with os.fdopen(writer, "wb") as out:
            out.write(answer)
    finally:
        os._exit(0)


def _size() -> int:
    with open("/proc/self/statm") as told:
        return int(told.read().split()[0]) * resource.getpagesize()


def _listen(reader: int) -> bytes:
    """All that the child says until it falls silent; what came by then, once patience is at an end."""
    end, pieces = time.monotonic() + PATIENCE, []
    while (left := end - time.monotonic()) > 0:
        ready, _w, _x = select.select([reader], [], [], left)
        if not ready:
            break
        piece = os.read(reader, 1024 * 1024)
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)
