"""The templates that a new company starts with: six kinds in four languages, put together from parts and words."""

from __future__ import annotations

import re
from pathlib import Path

from documents.models import DocumentTemplate, Numerator
from documents.models.templates import Kind
from documents.starter.words import WORDS

FOLDER = Path(__file__).parent
PART = re.compile(r"\[\[(\w+)\]\]")
# Prefix of numbers by kind.
PREFIXES = {
    Kind.OFFER: "OFF",
    Kind.CONTRACT: "CON",
    Kind.INVOICE: "INV",
    Kind.CREDIT_NOTE: "CN",
    Kind.ACCEPTANCE: "ACC",
    Kind.DELIVERY: "DN",
}


def body_of(kind: str, language: str) -> str:
    """The kind's HTML in the language; parts are named [[_head]], words [[seller]]; a kind's own word comes first."""
    words = WORDS[language] | {
        "title": WORDS[language][f"{kind}_title"],
        "facts": WORDS[language].get(f"{kind}_facts", ""),
    }

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("_"):
            return PART.sub(put, (FOLDER / f"{name}.html").read_text(encoding="utf-8").strip())
        return PART.sub(put, words.get(f"{kind}_{name}", words[name]))

    return PART.sub(put, (FOLDER / f"{kind}.html").read_text(encoding="utf-8"))


def install(language: str) -> dict[str, DocumentTemplate]:
    """Numerators and templates of a language, those that are not there yet. Returns the templates by kind."""
    style = (FOLDER / "style.css").read_text(encoding="utf-8")
    made = {}
    for kind, prefix in PREFIXES.items():
        words = WORDS[language]
        numerator, _new = Numerator.objects.get_or_create(
            name=words[f"{kind}_title"],
            defaults={
                "pattern": f"{words.get(f'{kind}_prefix', prefix)}/{{YYYY}}/{{MM}}/{{NUMBER}}",
                "reset": Numerator.Reset.MONTH,
            },
        )
        made[str(kind)], _new = DocumentTemplate.objects.get_or_create(
            name=words[f"{kind}_title"],
            language=language,
            kind=kind,
            defaults={"body": body_of(kind, language), "style": style, "numerator": numerator},
        )
    return made
