"""Draws papers as PDF, in a process of its own: no Django, no database, no secrets, nothing of the web.

The helper loads WeasyPrint once and then forks a child for each paper, so a child is warm at once and whatever a
template does dies with it. The child may use so much memory and time, has no network where the system allows to take
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


def child(asked: dict[str, Any], fonts: FontConfiguration, out: int) -> None:
    answer: dict[str, Any]
    try:
        confine()
        # It lives for one paper: looking for rubbish costs a fifth of the time, and its end frees everything.
        gc.set_threshold(200_000, 50, 1000)
        answer, pdf = draw(asked, fonts)
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


def in_child(asked: dict[str, Any], fonts: FontConfiguration) -> bytes:
    """The child's answer as it wrote it, or what became of it."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        try:
            child(asked, fonts, write)
        finally:
            os._exit(0)
    os.close(write)
    end, parts = time.monotonic() + WALL_SECONDS, []
    while time.monotonic() < end:
        if select.select([read], [], [], max(0.0, end - time.monotonic()))[0]:
            part = os.read(read, 1 << 20)
            if not part:
                break
            parts.append(part)
    else:
        os.kill(pid, signal.SIGKILL)
        parts = []
    os.close(read)
    _pid, status = os.waitpid(pid, 0)
    whole = b"".join(parts)
    if os.WIFSIGNALED(status) or not whole:
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        fault = "time" if ended_by in (signal.SIGXCPU, signal.SIGKILL) else "memory"
        return packed({"fault": fault, "what": ""}) + struct.pack(">I", 0)
    return whole


def read_exactly(source: io.BufferedReader, count: int) -> bytes:
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
        # With nothing to do for long it goes, and its memory with it; the next paper starts another one.
        if not select.select([source], [], [], IDLE_SECONDS)[0]:
            return
        (length,) = struct.unpack(">I", read_exactly(reader, 4))
        out.write(in_child(json.loads(read_exactly(reader, length)), fonts))
        out.flush()


if __name__ == "__main__":
    main()
