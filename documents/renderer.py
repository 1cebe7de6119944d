"""Draws papers as PDF, in a process of its own: no Django, no database, no secrets, nothing of the web.

The helper loads WeasyPrint once and then forks a child for each paper, one ahead, so a child is warm at once and whatever
a template does dies with it. The child may use so much memory and time, has no network where the system allows to take
it away, and fetches nothing but the pictures that came with the request. Run with `python -I`; it speaks through
standard input and output: a length of four bytes, then that much JSON; the answer's PDF follows its JSON likewise.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import gc
import io
import json
import logging
import os
import resource
import select
import signal
import struct
import sys
import time
from typing import Any

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 30
WALL_SECONDS = 45
MOST_PAGES = 200
IDLE_SECONDS = 600
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


class Refused(FatalURLFetchingError):
    """The template asks for something that papers do not fetch; drawing ends."""


class OwnPictures(URLFetcher):
    """`asset:logo` and its like, and pictures within the text (data:image/…); everything else is refused."""

    def __init__(self, pictures: dict[str, bytes]) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False)
        self.pictures = pictures

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        if url.startswith("asset:"):
            content = self.pictures.get(url.removeprefix("asset:"))
            if content is None:
                raise Refused(url[:200])
            return URLFetcherResponse(url, content)
        if url.startswith("data:image/"):
            return super().fetch(url, headers)
        raise Refused(url[:200])


def draw(asked: dict[str, Any], fonts: FontConfiguration) -> tuple[dict[str, Any], bytes]:
    pictures = {name: base64.b64decode(content) for name, content in asked["pictures"].items()}
    fetcher = OwnPictures(pictures)
    try:
        style = [CSS(string=text, url_fetcher=fetcher, font_config=fonts) for text in asked["styles"]]
        document = HTML(string=asked["html"], url_fetcher=fetcher).render(stylesheets=style, font_config=fonts)
        if len(document.pages) > MOST_PAGES:
            return {"fault": "pages", "what": str(len(document.pages))}, b""
        document.metadata.title = asked["title"]
        document.metadata.generator = "Dealwright"
        pdf = document.write_pdf(pdf_tags=True)
    except Refused as refused:
        return {"fault": "fetch", "what": str(refused)}, b""
    return {"pages": len(document.pages)}, pdf or b""


def confine() -> None:
    """In the child: little memory, little time, no network, no files to write."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024 * 1024,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Not everywhere allowed; the fetcher refuses addresses in any case.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET)


def child(fonts: FontConfiguration, request: int, out: int) -> None:
    """Waits for one request, answers it and ends."""
    answer: dict[str, Any]
    try:
        confine()
        # It lives for one paper: looking for rubbish costs a fifth of the time, and its end frees everything.
        gc.set_threshold(200_000, 50, 1000)
        with os.fdopen(request, "rb") as pipe:
            asked = pipe.read()
        if not asked:
            return  # the helper has gone
        answer, pdf = draw(json.loads(asked), fonts)
    except MemoryError:
        answer, pdf = {"fault": "memory", "what": ""}, b""
    except RecursionError:
        answer, pdf = {"fault": "nesting", "what": ""}, b""
    except Exception as error:
        answer, pdf = {"fault": "error", "what": f"{type(error).__name__}: {error}"[:500]}, b""
    with os.fdopen(out, "wb") as pipe:
        pipe.write(packed(answer) + struct.pack(">I", len(pdf)) + pdf)


def packed(value: Any) -> bytes:
    text = json.dumps(value).encode()
    return struct.pack(">I", len(text)) + text


def is_whole(answer: bytes) -> bool:
    """Both parts are there: a child that is killed while it writes leaves the beginning."""
    place = 0
    for _part in range(2):
        if len(answer) < place + 4:
            return False
        place += 4 + int(struct.unpack_from(">I", answer, place)[0])
    return len(answer) == place


class Child:
    """Forked before its paper is asked for, so that nobody waits for the fork."""

    def __init__(self, fonts: FontConfiguration) -> None:
        request, self.request = os.pipe()
        self.answer, answer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.request)
                os.close(self.answer)
                nothing = os.open(os.devnull, os.O_RDWR)
                for inherited in (0, 1):  # who asks the helper is none of the child's business
                    os.dup2(nothing, inherited)
                child(fonts, request, answer)
            finally:
                os._exit(0)
        os.close(request)
        os.close(answer)

    def ask(self, asked: bytes) -> bytes:
        """The child's answer as it wrote it, or what became of it."""
        end, parts, complete = time.monotonic() + WALL_SECONDS, [], False
        # Who died before it was asked reads nothing; the empty answer tells.
        with contextlib.suppress(BrokenPipeError), os.fdopen(self.request, "wb") as pipe:
            pipe.write(asked)
        while not complete and select.select([self.answer], [], [], max(0.0, end - time.monotonic()))[0]:
            parts.append(os.read(self.answer, 1 << 20))
            complete = not parts[-1]
        whole = b"".join(parts)
        if complete and is_whole(whole):
            return whole
        if not complete:
            os.kill(self.pid, signal.SIGKILL)
        status = self.end()
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        fault = "time" if ended_by in (signal.SIGXCPU, signal.SIGKILL) else "memory"
        return packed({"fault": fault, "what": ""}) + struct.pack(">I", 0)

    def has_ended(self) -> bool:
        """Killed while it waited: by the system, for want of memory."""
        if os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            return False
        os.close(self.request)
        os.close(self.answer)
        return True

    def end(self) -> int:
        """Waits for its end; how it ended (0 if that is known already)."""
        if not self.pid:
            return 0
        os.close(self.answer)
        pid, self.pid = self.pid, 0
        return os.waitpid(pid, 0)[1]


def read_exactly(source: io.BufferedReader[Any], count: int) -> bytes:
    content = source.read(count)
    if len(content) < count:
        sys.exit(0)  # who asked is gone
    return content


def main() -> None:
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    fonts = FontConfiguration()
    # Loads the fonts and everything that is imported late; the children find it done.
    HTML(string="<p style='font-family:Inter'>Zażółć Nguyễn <b>đơn</b> <i>số</i></p>").write_pdf(font_config=fonts)
    # What is there now stays: a collection in a child would copy the pages of all of it.
    gc.collect()
    gc.freeze()
    source, out = io.FileIO(0), sys.stdout.buffer
    reader = io.BufferedReader(source)
    while True:
        waiting = Child(fonts)
        # With nothing to do for long it goes, and its memory with it; the next paper starts another one.
        if not select.select([source], [], [], IDLE_SECONDS)[0]:
            return
        (length,) = struct.unpack(">I", read_exactly(reader, 4))
        asked = read_exactly(reader, length)
        if waiting.has_ended():
            waiting = Child(fonts)
        out.write(waiting.ask(asked))
        out.flush()
        waiting.end()


if __name__ == "__main__":
    main()
