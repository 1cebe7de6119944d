"""A pipeline's automation as text: export it, see what a text would change, let it go live."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from automation.document import Document, Fault, Faulty
from automation.publishing import drafts, text
from automation.publishing.comparing import compare
from automation.publishing.models import Publication
from automation.publishing.references import Names
from automation.publishing.rows import read
from automation.publishing.words import Words
from crm.models import Pipeline, User


class Command(BaseCommand):
    help = "export, plan, test or apply the automation of a pipeline as text (docs/automation.md)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        export = verbs.add_parser("export", help="write it as text")
        export.add_argument("pipeline", help="its name, or name#id")
        export.add_argument("--version", dest="number", type=int, help="an older version; else what is live")
        export.add_argument("--output", help="a file; else the standard output")
        for verb, words in (
            ("plan", "what a text would change, in words; nothing is written"),
            ("test", "whether a text could go live; its stored tests are kept, not run yet"),
            ("apply", "let a text go live"),
        ):
            one = verbs.add_parser(verb, help=words)
            one.add_argument("file", help="the text; - for the standard input")
            one.add_argument("--pipeline", help="another one than the text names")
            one.add_argument("--as", dest="by", help="e-mail of the user with whose rights the rules act")
            one.add_argument("--note", default="", help="kept with the version")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except Faulty as faulty:
            raise CommandError("\n".join(map(str, faulty.faults))) from faulty
        except drafts.Conflict as conflict:
            raise CommandError("\n".join(["Published otherwise meanwhile:", *conflict.lines])) from conflict

    # ------------------------------------------------------------------ verbs

    def _export(self, options: dict[str, Any]) -> None:
        pipeline = _pipeline(options["pipeline"])
        live = read(pipeline)
        document, switches, number = live.document, live.switches(), live.number
        if options["number"] is not None:
            found = Publication.objects.filter(pipeline=pipeline, number=options["number"]).first()
            if found is None:
                raise CommandError(f"{pipeline} has no version {options['number']}.")
            document, switches, number = Document.model_validate(found.document), found.switches, found.number
        written = text.dump(pipeline, document, switches, number)
        if options["output"]:
            Path(options["output"]).write_text(written, encoding="utf-8")
        else:
            self.stdout.write(written, ending="")

    def _plan(self, options: dict[str, Any]) -> None:
        pipeline, document, faults = self._read(options)
        by = _user(options["by"]) if options["by"] else None
        live = read(pipeline)
        lines = Words(pipeline, live.document, document).lines(compare(live.document, document))
        for line in lines:
            self.stdout.write(str(line))
        self.stdout.write(f"{len(lines)} changes." if lines else "Nothing differs from what is live.")
        for kind, _spot, part in document.placed():
            on = live.switches().get(part.id)
            if on is not None and on != part.is_enabled:
                state = "on" if on else "off"
                self.stderr.write(f"{kind} {part.id} is {state}; switches are live and no text changes them.")
        _refuse([*faults, *drafts.faults_of(live, document, by or _nobody())])

    def _test(self, options: dict[str, Any]) -> None:
        pipeline, document, faults = self._read(options)
        by = _user(options["by"]) if options["by"] else _nobody()
        _refuse([*faults, *drafts.faults_of(read(pipeline), document, by)])
        kept = f" {len(document.tests)} stored tests are kept; they are not run yet." if document.tests else ""
        self.stdout.write(f"It could go live.{kept}")

    def _apply(self, options: dict[str, Any]) -> None:
        if not options["by"]:
            raise CommandError("Say whose rights the rules shall have: --as anna@example.com")
        by = _user(options["by"])
        pipeline, document, faults = self._read(options)
        if not Pipeline.objects.configured_by(by).filter(pk=pipeline.pk).exists():
            raise CommandError(f"{by.email} may not set up {pipeline}.")
        _refuse(faults)
        origin, note = Publication.Origin.TEXT, options["note"]
        with translation.override(by.language):  # numbers in it are read as this person writes them
            made = drafts.publish_document(pipeline, document, by, origin, decisions={}, note=note)
        self.stdout.write(
            f"{pipeline}: version {made.number} is live." if made else "Nothing differs from what is live."
        )

    # ------------------------------------------------------------------ reading

    def _read(self, options: dict[str, Any]) -> tuple[Pipeline, Document, list[Fault]]:
        try:
            raw = sys.stdin.read() if options["file"] == "-" else Path(options["file"]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}") from error
        named = options["pipeline"] or Document.parse(text.plain(raw)).pipeline
        pipeline = _pipeline(named)
        document, faults = text.load(pipeline, raw)
        return pipeline, document, faults


def _pipeline(named: str) -> Pipeline:
    try:
        return Pipeline.objects.get(pk=Names().read(Pipeline.objects.all(), named))
    except ValueError as error:
        raise CommandError(str(error)) from error


def _user(email: str) -> User:
    found = User.objects.filter(email__iexact=email, is_active=True).first()
    if found is None:
        raise CommandError(f"There is no active user {email}.")
    return found


def _nobody() -> User:
    """Whoever it will be: what needs a right of a person is said when that person publishes."""
    return User(is_superuser=True, is_active=True)


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Faulty(faults)
