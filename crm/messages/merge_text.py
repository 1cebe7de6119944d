"""Merge texts: Liquid with limits, plain values only, checked when they are saved. Only this module, its filters
and its budget (crm/messages/merge_filters.py, crm/messages/merge_budget.py) import liquid.

No model instance ever reaches a template: each type lists the fields it shows, as strings, numbers, dates, lists and
dicts. What is not listed cannot be printed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from functools import lru_cache
from typing import Any

from liquid import Environment, StrictUndefined
from liquid.exceptions import LiquidError, LiquidSyntaxError

from crm.company.models import OwnCompany
from crm.fields import type_of
from crm.ground import clock
from crm.ground.addresses import no_link
from crm.ground.sentences import said
from crm.messages import merge_budget, merge_filters
from crm.messages.merge_budget import BudgetTemplate
from crm.messages.merge_fields import CONFIDENTIAL, OWN_COMPANY_FIELDS, ROOTS, MergeField, custom_keys, known_paths

log = logging.getLogger("dealwright.merge")
MAX_SOURCE = 50_000  # characters of a merge text


class MergeError(Exception):
    """A merge text that cannot be used. The sentence names line and field."""

    def __init__(self, sentence: str, line: int = 0, name: str = "") -> None:
        super().__init__(sentence)
        self.line, self.name = line, name


class _Limited(Environment):
    """Limits against texts that would loop or grow without end."""

    loop_iteration_limit = 2_000
    output_stream_limit = 500_000
    local_namespace_limit = 100_000
    context_depth_limit = 10
    template_class = BudgetTemplate


def _environment(autoescape: bool) -> Environment:
    made = _Limited(undefined=StrictUndefined, autoescape=autoescape, strict_filters=True)
    for tag in ("include", "render"):
        made.tags.pop(tag, None)
    for name, function in (
        ("money", merge_filters.money),
        ("number", merge_filters.number),
        ("date", merge_filters.date),
        ("time", merge_filters.time),
        ("phone", merge_filters.phone),
        ("needed", merge_filters.needed),
        ("strip_html", merge_budget.without_tags),
    ):
        made.add_filter(name, function)
    made.add_tag(merge_budget.BudgetForTag)
    made.add_tag(merge_budget.BudgetTablerowTag)
    return made


_TEXT, _HTML = _environment(False), _environment(True)


@lru_cache(maxsize=2000)
def _parsed(source: str, html: bool) -> Any:
    return (_HTML if html else _TEXT).from_string(source)


# ---------------------------------------------------------------------- checking at save


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, max(0, index)) + 1


def paths_in(source: str) -> set[str]:
    """All that a merge text reads of its roots, however it is written: "item.profit" of {{ item["profit"] }} too.

    Of one that cannot be read nothing: `check` refuses it.
    """
    try:
        found = _parsed(source, False).analyze()
    except Exception:  # the parser fails in its own ways
        return set()
    return {".".join(map(str, v.segments)) for variables in found.globals.values() for v in variables}


def check(source: str, *, extra: Mapping[str, Iterable[str] | None] | None = None, confidential: bool = False) -> None:
    """Refuse a merge text that cannot work: syntax, unknown filter, unknown field. Raises MergeError.

    Args:
        confidential: it may name profit: it is a rule's, and its publisher is asked.
        extra: further roots and their names, such as {"form": {"name"}}; None allows any name below the root.
    """
    if len(source) > MAX_SOURCE:
        raise MergeError(said("text.too_long", "The text is longer than %d characters.") % MAX_SOURCE)
    try:
        template = _parsed(source, False)
        found = template.analyze()
    except LiquidSyntaxError as error:
        token = error.token
        line = _line(source, token.start_index) if token is not None else 1
        raise MergeError(
            said("text.fault", "Line %(line)d: %(fault)s.") % {"line": line, "fault": error.message}, line
        ) from error
    except LiquidError as error:
        raise MergeError(str(error.message if hasattr(error, "message") else error)) from error
    except (
        Exception
    ) as error:  # numbers of thousands of digits, a thousand nested ifs: the parser fails in its own ways
        raise MergeError(
            said("text.unreadable", "The text cannot be read: it is nested too deeply, or has a number too large.")
        ) from error
    for name, spans in found.filters.items():
        if name not in _TEXT.filters:
            line = _line(source, spans[0].index)
            raise MergeError(
                said("text.no_filter", "Line %(line)d: there is no filter “%(name)s”.") % {"line": line, "name": name},
                line,
                name,
            )
    known = known_paths(confidential)
    # Looked up only where one is named: a pipeline's rules are judged by the hundred.
    named = {
        root for root, variables in found.globals.items() if any("custom" in map(str, v.segments) for v in variables)
    }
    custom = {root: set(custom_keys(root)) if root in named else set() for root in ("item", "contact", "company")}
    for root, variables in found.globals.items():
        for variable in variables:
            path = [str(segment) for segment in variable.segments]
            if not _allowed(root, path, known, custom, extra or {}):
                line = _line(source, variable.span.index)
                name = ".".join(path)
                words = {"line": line, "name": name}
                raise MergeError(
                    said("text.no_field", "Line %(line)d: there is no field “%(name)s”.") % words, line, name
                )


def _allowed(
    root: str,
    path: list[str],
    known: dict[str, set[str]],
    custom: dict[str, set[str]],
    extra: Mapping[str, Iterable[str] | None],
) -> bool:
    if root == "now":
        return len(path) == 1
    if root in extra:
        names = extra[root]
        return names is None or ".".join(path[1:]) in set(names)
    if root not in known or len(path) < 2 or path[1] not in known[root]:
        return False
    if path[1] == "custom":
        return len(path) > 2 and path[2] in custom[root]
    return True


# ---------------------------------------------------------------------- rendering


def _plain(fields: tuple[MergeField, ...], row: Any) -> dict[str, Any]:
    """Field names to values; empty texts where nobody is linked: a known field is never undefined."""
    return {field.path.split(".")[1]: field.get(row) if row is not None else "" for field in fields}


class _ItemValues(dict[str, Any]):
    """Those of an item; what is confidential is read when a text names it, and by who may see it."""

    def __init__(self, values: dict[str, Any], item: Any, sees_profit: Callable[[], bool]) -> None:
        super().__init__(values)
        self._item, self._sees_profit = item, sees_profit

    def __missing__(self, name: str) -> Any:
        field = CONFIDENTIAL.get(f"item.{name}")
        if field is None:
            raise KeyError(name)
        if not self._sees_profit():
            raise MergeError(
                said("profit.not_for_text", "Whoever answers for this text does not see profit (%s).") % field.path
            )
        return field.get(self._item)


class Values(dict[str, Any]):
    """The values of one item, made root by root when a text asks for them.

    Args:
        sees_profit: whether the text may print it; asked where it names it.
        custom: gives the own fields of a root; many items are read with one that remembers them.
    """

    def __init__(
        self,
        item: Any = None,
        /,
        *,
        sees_profit: Callable[[], bool] = bool,
        custom: Callable[[str], dict[str, Any]] = custom_keys,
        **extra: Any,
    ) -> None:
        super().__init__(extra)
        self._item, self._sees_profit, self._custom = item, sees_profit, custom

    def __missing__(self, root: str) -> Any:
        made = self._made(root)
        self[root] = made
        return made

    def __contains__(self, root: object) -> bool:
        return super().__contains__(root) or root in ROOTS or root == "now"

    def _made(self, root: str) -> Any:
        item = self._item
        if root == "now":
            return clock.now()
        if root == "own_company":
            return _plain(OWN_COMPANY_FIELDS, OwnCompany.first())
        if root not in ROOTS or item is None:
            raise KeyError(root)
        row = item if root == "item" else getattr(item, root)
        values = _plain(ROOTS[root][1], row)
        if root in ("item", "contact", "company"):
            custom = row.custom if row is not None else {}
            values["custom"] = {
                key: type_of(kind).merge_value(custom.get(key)) for key, (_label, kind) in self._custom(root).items()
            }
        return _ItemValues(values, item, self._sees_profit) if root == "item" else values


# What whoever fills in a form or writes a mail says of himself, by root; custom texts and answers besides.
STRANGERS = {
    "item": ("title", "source"),
    "contact": ("name", "salutation"),
    "company": ("name", "tax_number", "address"),
}


def _unlinked(root: str, values: Any) -> Any:
    """The values of a root as mails show them, before any filter cuts or bends them."""
    if root == "answers":
        return {name: no_link(value) if isinstance(value, str) else value for name, value in values.items()}
    if root not in STRANGERS:
        return values
    own = {str(values.get(name, "")) for name in ("email", "phone")}  # called by his own address: nobody said a name
    made = copy(values)  # as it is: an item's reads what is confidential when it is named
    for name in STRANGERS[root]:
        if made.get(name) not in own:
            made[name] = no_link(str(made.get(name, "")))
    texts = {key for key, (_label, type_) in custom_keys(root).items() if type_of(type_).is_free}
    custom = made.get("custom") or {}
    made["custom"] = {
        key: no_link(value) if key in texts and isinstance(value, str) else value for key, value in custom.items()
    }
    return made


def language_of(item: Any) -> str:
    """The customer's language: the contact's, else the own company's."""
    contact = item.contact if item is not None else None
    if contact is not None and contact.language:
        return str(contact.language)
    own = OwnCompany.first()
    return own.language if own else "en"


def render(
    source: str,
    values: Values,
    *,
    html: bool = False,
    for_mail: bool = False,
    language: str = "en",
    zone: str = "UTC",
    currency: str = "EUR",
) -> str:
    """The text with its values, escaped for HTML if asked. Raises MergeError naming what is missing.

    Args:
        for_mail: what strangers choose (names, titles, their answers) becomes no link where a mail shows it.
    """
    if "{" not in source and not html:
        return source
    try:
        template = _parsed(source, html)
        roots = [root for root in _roots(source) if root in values]
        data = {root: _unlinked(root, values[root]) if for_mail else values[root] for root in roots}
        return template.fill(data, {"language": language, "zone": zone, "currency": currency})
    except MergeError:
        raise
    except LiquidError as error:
        raise _told(source, error) from error
    except Exception as error:
        # Whatever a text does, its reader gets a sentence: one may be written by a customer, and read on a public page.
        log.warning("a merge text failed", exc_info=True)
        raise MergeError(
            said("text.not_filled", "The text could not be filled in: %s.") % (str(error)[:100] or type(error).__name__)
        ) from error


def _told(source: str, error: LiquidError) -> MergeError:
    """Where it failed and why: line, the tag that stands there, the fault."""
    fault = getattr(error, "message", "") or str(error)
    index = getattr(getattr(error, "token", None), "start_index", -1)
    if index < 0:
        return MergeError(said("text.not_filled", "The text could not be filled in: %s.") % fault)
    line = _line(source, index)
    start = max(source.rfind(opening, 0, index + 2) for opening in ("{{", "{%"))
    ends = [end for end in (source.find(closing, index) for closing in ("}}", "%}")) if end >= 0]
    words = {"line": line, "tag": source[max(start, 0) : min(ends, default=len(source)) + 2][:80], "fault": fault}
    return MergeError(said("text.fault_at", "Line %(line)d, %(tag)s: %(fault)s.") % words, line)


@lru_cache(maxsize=2000)
def _roots(source: str) -> tuple[str, ...]:
    return tuple(_parsed(source, False).analyze().globals)
