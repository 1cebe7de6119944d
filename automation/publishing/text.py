"""A document as text that people keep, compare and mail: YAML 1.2, all that it names by name."""

from __future__ import annotations

import io
import re
from typing import Any

from django.utils.translation import gettext as _
from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.representer import SafeRepresenter

from automation.document import Document, Fault, Faulty
from automation.publishing.references import Translator
from crm.ground.characters import kept
from crm.models import Pipeline

MOST_BYTES = 1024 * 1024
MOST_DEPTH = 40
UNSEEN = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class _Plain(Composer):
    """Without anchors: one text that stands for many is read otherwise than it looks, and a few lines become millions."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        if getattr(event, "anchor", None) is not None:
            raise Faulty([Fault(_line(event.start_mark), _("Anchors and aliases (& and *) are not read."))])
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Faulty([Fault(_line(event.start_mark), _("It is nested too deep."))])
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Texts(SafeConstructor):
    """A day stays the text that it is written as."""


_Texts.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


class _Lines(SafeRepresenter):
    """Texts of several lines as blocks."""


def _text(representer: Any, value: str) -> Any:
    # What a block cannot hold as it is stands in quotes, its signs written out.
    style = '"' if UNSEEN.search(value) else "|" if "\n" in value else None
    return representer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Lines.add_representer(str, _text)


def _yaml() -> YAML:
    made = YAML(typ="safe", pure=True)
    made.default_flow_style = False
    made.allow_unicode = True
    made.width = 4096
    made.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # its own name for "as it is ordered"
    made.Composer, made.Constructor, made.Representer = _Plain, _Texts, _Lines
    return made


def dump(pipeline: Pipeline, document: Document, switches: dict[str, bool] | None = None, version: int = 0) -> str:
    """The document of a pipeline, by names.

    Args:
        switches: those that are off are marked so.
        version: what it was made from.
    """
    off = {id for id, on in (switches or {}).items() if not on}
    marked = document.model_copy(update={"version": version}, deep=True)
    for _kind, _spot, part in marked.placed():
        part.is_enabled = part.is_enabled and part.id not in off
    out = io.StringIO()
    _yaml().dump(Translator(pipeline, marked).named(), out)
    return out.getvalue()


def load(pipeline: Pipeline, text: str) -> tuple[Document, list[Fault]]:
    """The document by ids, and what it names that is not there. Raises Faulty for what is no document at all."""
    document = Document.parse(plain(text))
    reading = Translator(pipeline, document)
    return reading.read(), reading.faults


def plain(text: str) -> Any:
    """Plain data, as JSON would have it. Raises Faulty with the line."""
    if len(text.encode()) > MOST_BYTES:
        raise Faulty([Fault("", _("A document has %d KiB at most.") % (MOST_BYTES // 1024))])
    try:
        found = _yaml().load(text)
        _check(found)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Faulty([Fault(_line(mark) if mark else "", _("It cannot be read: %s") % _problem(error))]) from error
    except (RecursionError, ValueError) as error:
        raise Faulty([Fault("", _("It cannot be read: %s") % error)]) from error
    return found


def _check(found: Any) -> None:
    """Keys are texts (a stage may be called 2026) and numbers finite: else it would not come back as it went."""
    if isinstance(found, dict):
        for name in [name for name in found if not isinstance(name, str)]:
            found[str(name)] = found.pop(name)
        for one in found.values():
            _check(one)
    elif isinstance(found, list):
        for one in found:
            _check(one)
    elif isinstance(found, float) and (found != found or found in (float("inf"), float("-inf"))):
        raise ValueError(_("%s is no number.") % found)
    elif isinstance(found, str) and kept(found) != found:
        raise ValueError(_("A character is in it that cannot be kept."))
    elif not (found is None or isinstance(found, str | int | float)):
        raise ValueError(_("“%s” is neither a text nor a number.") % type(found).__name__)


def _line(mark: Any) -> str:
    return _("line %d") % (mark.line + 1)


def _problem(error: YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).strip().splitlines()[0][:200]
