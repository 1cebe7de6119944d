"""The one way to a PDF: a request to the renderer's process (documents/renderer.py), started when first needed."""

from __future__ import annotations

import atexit
import base64
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy

from crm.work.processes import die_with_parent

RENDERER = Path(__file__).with_name("renderer.py")
FONTS = Path(settings.BASE_DIR) / "static" / "vendor" / "fonts"
# The child has 45 seconds; the helper's own start comes on top.
ANSWER_SECONDS = 75
FAULTS = {
    "fetch": gettext_lazy("The template asks for “%s”; papers show their own pictures only."),
    "pages": gettext_lazy("The paper has %s pages, which is more than one may have."),
    "memory": gettext_lazy("The paper needs more memory than one may have."),
    "time": gettext_lazy("The paper takes longer to draw than one may take."),
    "nesting": gettext_lazy("The template is nested too deeply."),
    "error": gettext_lazy("The paper cannot be drawn (%s)."),
}


class CannotDraw(Exception):
    """The template's own fault, in one sentence; drawing it again would not help."""


@dataclass(frozen=True)
class Drawn:
    pdf: bytes
    pages: int


class Renderer:
    """One helper for this process, used by one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._owner = 0

    def draw(self, html: str, styles: list[str], title: str = "", pictures: dict[str, bytes] | None = None) -> Drawn:
        """A PDF of the page and its styles.

        Args:
            pictures: content by name; the page shows them as `asset:<name>`.
        Raises CannotDraw; OSError where the helper itself died.
        """
        encoded = {name: base64.b64encode(content).decode() for name, content in (pictures or {}).items()}
        asked = json.dumps({"html": html, "styles": styles, "title": title, "pictures": encoded}).encode()
        with self._lock:
            try:
                answer, pdf = self._ask(asked)
            except OSError:
                # It had gone for want of work, or was killed: one fresh try.
                self._stop()
                answer, pdf = self._ask(asked)
        if "fault" in answer:
            sentence = str(FAULTS[answer["fault"]])
            raise CannotDraw(sentence % answer["what"] if "%s" in sentence else sentence)
        return Drawn(pdf, answer["pages"])

    def _ask(self, asked: bytes) -> tuple[dict[str, Any], bytes]:
        process = self._running()
        assert process.stdin is not None
        end = time.monotonic() + ANSWER_SECONDS
        try:
            process.stdin.write(struct.pack(">I", len(asked)) + asked)
            process.stdin.flush()
            (length,) = struct.unpack(">I", self._read(process, 4, end))
            answer = json.loads(self._read(process, length, end))
            (length,) = struct.unpack(">I", self._read(process, 4, end))
            return answer, self._read(process, length, end)
        except OSError:
            self._stop()
            raise

    @staticmethod
    def _read(process: subprocess.Popen[bytes], count: int, end: float) -> bytes:
        assert process.stdout is not None
        parts, missing = [], count
        while missing:
            if not select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
                raise OSError("the renderer does not answer")
            part = os.read(process.stdout.fileno(), missing)
            if not part:
                raise OSError("the renderer ended")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and (self._owner != os.getpid() or self._process.poll() is not None):
            self._stop()
        if self._process is None:
            # Nothing of our own environment: no secrets, no settings.
            environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "FONTCONFIG_FILE": str(font_config())}
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(RENDERER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=-1,
                cwd="/",
                env=environment,
                preexec_fn=die_with_parent,
            )
            self._owner = os.getpid()
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if self._owner == os.getpid():
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass  # what was not read any more


def font_config() -> Path:
    """Our own fonts first, so that papers look the same on every machine; those of the system for other scripts."""
    folder = Path(settings.VAR_DIR) / "fontconfig"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "fonts.conf"
    text = (
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>{FONTS}</dir><dir>/usr/share/fonts</dir><cachedir>{folder}</cachedir>"
        "<alias><family>sans-serif</family><prefer><family>Inter</family></prefer></alias></fontconfig>"
    )
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


renderer = Renderer()
# The helper dies with us in any case; at an orderly end it is not waited for.
atexit.register(renderer._stop)
