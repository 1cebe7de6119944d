"""What the CRM says of its own work, in the language of whoever reads it.

A worker has no reader: its reasons, notices and firings are kept as a code, the English text and the values, and worded
anew each time they are read from the database. A `Sentence` is a str in the language that was active when it was made
or read, so templates, JSON and logs need not know of it; formatting it into another text (f"…", +, slices) makes it
plain and keeps that language for good.

    raise ActionError(said("no_owner", "There is nobody to give the task to: the item has no owner."))
    job.end(Status.FAILED, said("webhook.answered", "The server answered %(status)s: %(text)s") % {"status": 500, …})

Plain texts (of third parties, of providers, of rows older than this) are kept and shown as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import translation
from django.utils.functional import Promise

from crm.ground import shown
from crm.ground.amounts import Amount

# RFC 7464: a record separator begins a JSON text. No keyboard types it, and plain texts are kept without it.
MARK = "\x1e"
# What reading a row that nobody of ours wrote may raise.
BROKEN = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, StopIteration, RecursionError)


class Sentence(str):
    """One sentence about work, as a str in the language active when it was made; `worded()` says it anew.

    Args:
        code: stable, for programs ("left_stage"); empty where nobody named one.
        text: the English text, with named or positional places; a gettext id.
        plural: of texts that count, and `number` is what they count by.
        values: for the places: numbers, dates, amounts as they are, further sentences, lazy texts.
        texts: instead of `text`: the finished words by language.
    """

    code: str
    text: str
    plural: str
    number: int | None
    values: dict[str, Any]
    texts: dict[str, str]

    def __new__(
        cls,
        code: str = "",
        text: str = "",
        *,
        plural: str = "",
        number: int | None = None,
        values: dict[str, Any] | None = None,
        texts: dict[str, str] | None = None,
    ) -> Sentence:
        made = super().__new__(cls, _words(text, plural, number, values or {}, texts or {}))
        made.code, made.text, made.plural, made.number = code, text, plural, number
        made.values, made.texts = values or {}, texts or {}
        return made

    def __str__(self) -> str:
        return self  # as SafeString does: str(error) of an exception hands the sentence on whole

    def __repr__(self) -> str:
        return f"<{self.code or 'sentence'}: {super().__repr__()} {self.values}>"

    def __mod__(self, values: Any) -> Sentence:
        """The sentence with its values filled in; a single one is called "value"."""
        if isinstance(values, Promise):
            named = {"value": values}
        elif isinstance(values, dict):
            named = dict(values)
        else:
            several = values if isinstance(values, tuple) else (values,)
            named = {"value" if not place else f"value_{place + 1}": value for place, value in enumerate(several)}
        if self.texts:
            return Sentence(self.code, texts={language: text % values for language, text in self.texts.items()})
        return Sentence(self.code, self.text, plural=self.plural, number=self.number, values=named)

    def __reduce__(self) -> Any:  # copied and pickled with all it has
        return Sentence.from_json, (self.as_json(),)

    def worded(self) -> Sentence:
        """In the active language and time zone."""
        return Sentence(
            self.code, self.text, plural=self.plural, number=self.number, values=self.values, texts=self.texts
        )

    def as_json(self) -> dict[str, Any]:
        if self.texts:
            return {"code": self.code, "texts": self.texts}
        kept: dict[str, Any] = {"code": self.code, "text": self.text}
        if self.plural:
            kept |= {"plural": self.plural, "number": self.number}
        if self.values:
            kept["values"] = {name: _kept(value) for name, value in self.values.items()}
        return kept

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Sentence:
        """Raises one of BROKEN for what `as_json` did not write."""
        return cls(
            str(kept["code"]),
            str(kept.get("text", "")),
            plural=str(kept.get("plural", "")),
            number=kept.get("number"),
            values={name: _read(value) for name, value in kept.get("values", {}).items()},
            texts=kept.get("texts"),
        )


def said(code: str, text: str) -> Sentence:
    """A sentence with a code; fill its places with `%`. The text is collected for translation."""
    return Sentence(code, text)


def counted(code: str, text: str, plural: str, number: int) -> Sentence:
    """A sentence that counts; fill its place with `%`."""
    return Sentence(code, text, plural=plural, number=number)


def everywhere(code: str, worded: Callable[[], Any]) -> Sentence:
    """Words that others make (a form's fault, a label), kept in every language that is installed.

    Args:
        worded: asked once a language.
    """
    texts = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            texts[language] = str(worded())
    return Sentence(code, texts=texts)


def spoken(text: Any) -> str:
    """What an exception says: a Sentence as it is, a lazy text in every language, anything else as a plain str."""
    return everywhere("", lambda: text) if isinstance(text, Promise) else str(text)


def first_of(error: ValidationError) -> str:
    """The first fault of a form or field as a sentence in every language."""
    found = error.messages[0]
    return found if isinstance(found, Sentence) else everywhere("value.fault", lambda: error.messages[0])


def in_payload(name: str, sentence: Any) -> dict[str, Any]:
    """What an event keeps of a sentence: the words as they are now for programs, and what they are worded from anew."""
    told: dict[str, Any] = {name: str.__str__(sentence)}
    return told | ({f"{name}_said": sentence.as_json()} if isinstance(sentence, Sentence) else {})


def from_payload(payload: dict[str, Any], name: str) -> str:
    """A sentence of an event in the active language; an older event's as it was worded then."""
    kept = payload.get(f"{name}_said")
    try:
        return Sentence.from_json(kept) if kept else str(payload.get(name) or "")
    except BROKEN:
        return str(payload.get(name) or "")


def named(name: str, why: str) -> Sentence:
    """Which rule, trigger or card it is about, and why."""
    return said("named", "“%(name)s”: %(why)s") % {"name": name, "why": why}


def all_of(sentences: list[Any]) -> Any:
    """ "this and that and the other"; one alone is itself."""
    first, *rest = sentences
    for other in rest:
        first = said("and", "%(one)s and %(other)s") % {"one": first, "other": other}
    return first


def _words(text: str, plural: str, number: int | None, values: dict[str, Any], texts: dict[str, str]) -> str:
    if texts:
        language = translation.get_language() or "en"
        return texts.get(language) or texts.get("en") or next(iter(texts.values()))
    words = translation.ngettext(text, plural, number) if plural and number is not None else translation.gettext(text)
    if not values:
        return words.replace("%%", "%")
    spoken = {name: _shown(value) for name, value in values.items()}
    try:
        return words % (spoken if "%(" in text else tuple(spoken.values()))
    except (TypeError, ValueError, KeyError):  # a translation or an older row with other places: said without grace
        return f"{words} ({', '.join(map(str, spoken.values()))})"


class _Form(NamedTuple):
    """How values of one kind are kept in JSON, read back, and shown to people and programs."""

    kind: type
    key: str
    keep: Callable[[Any], Any]
    read: Callable[[Any], Any]
    show: Callable[[Any], Any]
    plain: Callable[[Any], Any]


def _in_api(sentence: Sentence) -> Any:
    return {"text": str.__str__(sentence.worded()), "code": sentence.code, "values": plain_values(sentence)}


def _amount_in_api(amount: Amount) -> dict[str, str]:
    return {"amount": str(amount.value), "currency": amount.currency}


# The first that fits: a datetime is a date as well.
_FORMS = (
    _Form(Sentence, "said", Sentence.as_json, Sentence.from_json, Sentence.worded, _in_api),
    _Form(Decimal, "number", str, Decimal, shown.num, str),
    _Form(datetime, "moment", datetime.isoformat, datetime.fromisoformat, shown.exactly, datetime.isoformat),
    _Form(date, "day", date.isoformat, date.fromisoformat, shown.day, date.isoformat),
    _Form(
        time, "time", lambda at: f"{at:%H:%M}", time.fromisoformat, lambda at: f"{at:%H:%M}", lambda at: f"{at:%H:%M}"
    ),
    _Form(
        Amount,
        "amount",
        lambda amount: [str(amount.value), amount.currency],
        lambda kept: Amount(Decimal(kept[0]), kept[1]),
        lambda amount: shown.money(amount.value, amount.currency),
        _amount_in_api,
    ),
    _Form(
        list,
        "list",
        lambda values: [_kept(value) for value in values],
        lambda kept: [_read(value) for value in kept],
        lambda values: ", ".join(str(_shown(value)) for value in values),
        lambda values: [_plain(value) for value in values],
    ),
)


def _form_of(value: Any) -> _Form | None:
    return next((form for form in _FORMS if isinstance(value, form.kind)), None)


def _lasting(value: Any) -> Any:
    """Lazy texts in every language; objects by their name."""
    if isinstance(value, Promise):
        return everywhere("", lambda: value)
    if isinstance(value, float) and not isfinite(value):
        return str(value)  # no JSON
    if value is None or isinstance(value, str | int | float) or _form_of(value) is not None:
        return value
    return str(value)


def _kept(value: Any) -> Any:
    value = _lasting(value)
    form = _form_of(value)
    return value if form is None else {form.key: form.keep(value)}


def _read(kept: Any) -> Any:
    if not isinstance(kept, dict):
        return kept
    return next(form.read(kept[form.key]) for form in _FORMS if form.key in kept)


def _shown(value: Any) -> Any:
    form = _form_of(value)
    try:
        return value if form is None else form.show(value)
    except (ValueError, TypeError, ArithmeticError, AttributeError):
        return str(value)  # a date without a zone, an amount beyond all amounts: said as it is, and no fault of its own


def _plain(value: Any) -> Any:
    value = _lasting(value)
    form = _form_of(value)
    return value if form is None else form.plain(value)


def plain_values(sentence: Any) -> dict[str, Any]:
    """The values for programs: amounts and dates raw, never as somebody's language writes them."""
    return {name: _plain(value) for name, value in getattr(sentence, "values", {}).items()}


def for_programs(sentence: Any) -> dict[str, Any]:
    """`reason` in the active language, `reason_code` and `reason_values`, as the API shows every one of them."""
    words = sentence.worded() if isinstance(sentence, Sentence) else sentence
    return {
        "reason": str.__str__(words),
        "reason_code": getattr(sentence, "code", ""),
        "reason_values": plain_values(sentence),
    }


def read(kept: str) -> str:
    """A kept text in the active language: a Sentence, or the plain text that it is."""
    if not kept.startswith(MARK):
        return kept
    try:
        return Sentence.from_json(json.loads(kept[1:]))
    except BROKEN:
        return kept[1:]


def _encodable(text: str) -> str:
    """Half a letter (a lone surrogate) of a broken mail is no text that a database takes."""
    return text.encode("utf-8", "replace").decode()


class SentenceField(models.TextField):
    """A column of sentences. Read, it is a str in the active language; `filter` compares what is kept."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value if value is None else read(value)

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Promise):
            value = everywhere("", lambda: value)
        if isinstance(value, Sentence):
            return MARK + _encodable(json.dumps(value.as_json(), ensure_ascii=False))
        value = super().get_prep_value(value)
        return value.lstrip(MARK) if isinstance(value, str) else value
