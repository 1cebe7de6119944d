"""Texts that people read: collected from code and templates into locale/, and none may lack a translation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation.template import templatize

# How this code base spells gettext; the number of the plural's argument where there is one.
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None, "_now": None, "lazy": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2),
    "said": (2,), "counted": (2, 3),
}  # fmt: skip
FOLDERS = ("crm", "automation", "documents")


def _calls(source: Any) -> Iterator[tuple[Any, int]]:
    for line, name, messages, _comments in extract_python(source, KEYWORDS, [], {"encoding": "utf-8"}):
        found = messages if isinstance(messages, tuple) else (messages,)
        first = 1 if name in ("said", "counted") else 0  # their code stands first
        if len(found) > first and found[first]:
            yield (tuple(found[first : first + 2]) if name in ("ngettext", "counted") else found[first]), line


def _template_calls(path: Path) -> BytesIO:
    """Django's templatize turns a template into Python-like calls between lines of X; Babel reads the calls alone."""
    code = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    return BytesIO("\n".join(re.findall(r"n?gettext\([^\n]*?(?:'|\"|count)\s*\)", code)).encode())


def texts() -> dict[Any, list[tuple[str, int]]]:
    """Every text of ours: its id (or ids, singular and plural) and where it stands."""
    root = settings.BASE_DIR
    found: dict[Any, list[tuple[str, int]]] = {}
    sources = [p for folder in FOLDERS for p in sorted((root / folder).rglob("*.py")) if "migrations" not in p.parts]
    for path in sources:
        with path.open("rb") as source:
            for text, line in _calls(source):
                found.setdefault(text, []).append((str(path.relative_to(root)), line))
    for path in sorted((root / "templates").rglob("*.html")):
        for text, _line in _calls(_template_calls(path)):
            found.setdefault(text, []).append((str(path.relative_to(root)), 0))
    return found


class Command(BaseCommand):
    help = "Brings the catalogues in locale/ up to the texts of code and templates, and names what lacks a translation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail where something is missing")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        found, faults = texts(), []
        for language, _name in settings.LANGUAGES:
            if language == "en":
                continue
            path = settings.LOCALE_PATHS[0] / language / "LC_MESSAGES" / "django.po"
            former = _read(path, language)
            fresh = Catalog(locale=language, project="Dealwright", charset="utf-8")
            for text in sorted(found, key=lambda t: t if isinstance(t, str) else t[0]):
                known = former.get(text if isinstance(text, str) else text[0])
                fresh.add(text, known.string if known else None)
            faults += [f"{language}: {fault}" for fault in _faults(fresh)]
            if not check:
                _write(path, fresh)
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} of {len(found)} texts lack a translation or have a wrong one.")
        self.stdout.write(f"{len(found)} texts, all translated.")


def _read(path: Path, language: str) -> Catalog:
    with path.open("rb") as source:
        return read_po(source, locale=language)


def _write(path: Path, catalog: Catalog) -> None:
    with path.open("wb") as target:
        write_po(target, catalog, width=120, no_location=True, omit_header=False, sort_output=True)
    with path.with_suffix(".mo").open("wb") as target:
        write_mo(target, catalog)


def _faults(catalog: Catalog) -> Iterator[str]:
    for message in catalog:
        if not message.id:
            continue
        strings: tuple[Any, ...] = (
            tuple(message.string) if isinstance(message.string, tuple | list) else (message.string,)
        )
        if not all(strings) or (message.pluralizable and len(strings) < catalog.num_plurals):
            yield f"missing: {message.id!r}"
            continue
        for error in message.check(catalog):
            yield f"wrong: {message.id!r}: {error}"
        if catalog.locale_identifier == "fr" and any(re.search(r"\S [:;?!»](\W|$)|« ", string) for string in strings):
            yield f"breaks before its sign, a no-break space belongs there: {message.id!r}"
        for name in re.findall(r"%\(\w+\)[sd]", str(message.id)):
            if not any(name in string for string in strings):
                yield f"loses {name}: {message.id!r}"
