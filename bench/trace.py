"""`make trace`: from a drag on the board to the SMS at its transport, which functions and files of ours are gone through."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = tuple(f"{ROOT / package}{os.sep}" for package in ("crm", "automation", "documents"))


class Trace:
    """What is called while it is open: (file, function), each once, in the order of the first call."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], None] = {}

    def __enter__(self) -> Trace:
        sys.setprofile(self._called)
        return self

    def __exit__(self, *error: Any) -> None:
        sys.setprofile(None)

    def _called(self, frame: FrameType, happened: str, _value: Any) -> None:
        name = frame.f_code.co_filename
        if happened == "call" and name.startswith(PACKAGES) and not frame.f_code.co_name.startswith("<"):
            self.seen.setdefault((str(Path(name).relative_to(ROOT)), frame.f_code.co_qualname))

    def told(self, title: str) -> None:
        files = {file for file, _function in self.seen}
        print(f"{title:28} {len(self.seen):4} functions {len(files):4} files")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DEALWRIGHT_VAR": folder, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        import django  # the folder has to be set before the settings are read

        django.setup()
        _trace()


def _trace() -> None:
    from django.core.management import call_command
    from django.test import Client

    from crm.ground import clock
    from crm.work import queue
    from tests.conftest import WEDNESDAY, build_world

    call_command("migrate", verbosity=0)
    with clock.at(WEDNESDAY):  # what is planned is due at once
        world = build_world()
        world.rule("talk", "send_sms", {"text": "Hello {{ contact.name }}"})
        browser = Client(HTTP_HOST="127.0.0.1")
        browser.force_login(world.bob)
        for warm in (True, False):  # the first time compiles the machine and fills caches
            deal = world.deal("Oak")
            data = {"id": deal.pk, "to": world.stages["talk"].pk, "version": deal.version, "v": 0}
            with Trace() as drag:
                answer = browser.post(f"/board/{world.pipeline.pk}/move/", data)
            assert answer.status_code == 200, answer.content
            later = clock.now() + timedelta(seconds=world.pipeline.undo_seconds)  # so long a drag may be taken back
            with Trace() as work, clock.at(later):
                queue.drain_all()
            assert deal.messages.get().status == "sent", deal.messages.get().status
            if not warm:
                drag.told("the drag, to its commit")
                work.told("the rule, to the transport")
                both = Trace()
                both.seen = drag.seen | work.seen
                both.told("together")
                if "-v" in sys.argv:
                    print(*(f"  {file}: {function}" for file, function in both.seen), sep="\n")


if __name__ == "__main__":
    main()
