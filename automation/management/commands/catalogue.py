"""Writes docs/catalogue.md from the registries; `--check` refuses one that is out of date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from automation.base import GROUPS, actions, trigger_types
from automation.samples import fixed_choices, sample_of

PLACE = Path(settings.BASE_DIR) / "docs" / "catalogue.md"
HEAD = """# The catalogue

Every rule and trigger that is built in, with its settings and one example as the API takes it (`POST /api/v1/rules`,
`/api/v1/triggers`). Made from the registries by `manage.py catalogue`; apps that are installed beside add theirs in the product.
"""


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            text = page()
        if not options["check"]:
            PLACE.write_text(text)
        elif not PLACE.exists() or PLACE.read_text() != text:
            raise CommandError("docs/catalogue.md is out of date: run `manage.py catalogue`")


def page() -> str:
    parts = [HEAD]
    for title, registry, field in (("Rules", actions, "action"), ("Triggers", trigger_types, "type")):
        parts.append(f"\n## {title}\n")
        ours = [one for one in registry.of_code() if one.__module__.partition(".")[0] in ("automation", "documents")]
        known: list[Any] = sorted(ours, key=lambda one: (list(GROUPS).index(one.group), str(one.label)))
        parts += [_entry(one, field) for one in known]
    return "\n".join(parts)


def _entry(found: Any, field: str) -> str:
    helper = ", helper" if getattr(found, "helper", False) else ""
    lines = [f"### {found.label}", "", f"`{found.key}` · {GROUPS[found.group]}{helper}", "", str(found.help), ""]
    if found.example:
        lines += [f"*{found.example}*", ""]
    rows = [_row(name, one) for name, one in found.Settings.base_fields.items()]
    if rows:
        lines += ["| setting | | |", "| --- | --- | --- |", *rows, ""]
    outputs: dict[str, Any] = getattr(found, "outputs", {})
    if outputs:
        given = ", ".join(f"`{name}` ({label})" for name, label in outputs.items())
        lines += [f"Gives {given}.", ""]
    body = {"stage": 1, field: found.key, "settings": sample_of(found.Settings)}
    lines += ["```json", json.dumps(body, ensure_ascii=False), "```", ""]
    return "\n".join(lines)


def _row(name: str, field: forms.Field) -> str:
    choices = fixed_choices(field)
    what = ", ".join(f"`{key}`" for key in choices[:12]) or type(field).__name__.removesuffix("Field").removesuffix(
        "Choice"
    )
    words = [str(field.label or name)]
    if not field.required:
        words.append("may be empty")
    if field.help_text:
        words.append(str(field.help_text))
    return f"| `{name}` | {what} | {'; '.join(words)} |".replace("\n", " ")
