"""Amounts and numbers as people type them: one reader for form, dialog, condition, import, statement.

Written here and not taken from a library: Babel's reader knows one way of writing for each language, and people type
the other one all the same ("1,500" in Poland, "1.500,50" in an English form). What a sign may mean is a rule of ours.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_precision, list_currencies
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.ground.folding import fold

LONGEST = 80  # characters; an amount has no more
_THOUSAND, _MILLION, _MILLIARD = Decimal(1000), Decimal(1_000_000), Decimal(1_000_000_000)
# Folded words that multiply. "Billion" is not among them: it is 10⁹ in English and 10¹² in French.
_TIMES = {
    **dict.fromkeys(("k", "tys", "tysiac", "tysiace", "tysiecy", "thousand", "mille", "nghin", "ngan", "tsd"), _THOUSAND),
    **dict.fromkeys(("m", "mln", "mio", "milion", "miliony", "milionow", "million", "millions", "trieu", "tr"), _MILLION),
    **dict.fromkeys(("mld", "mrd", "bn", "miliard", "miliardy", "miliardow", "milliard", "milliards", "ty"), _MILLIARD),
}  # fmt: skip
# What a sign may stand for, the likeliest first; of several the one that is expected wins.
_SIGNS = {
    "€": ("EUR",), "euro": ("EUR",), "euros": ("EUR",), "£": ("GBP",), "zl": ("PLN",), "zloty": ("PLN",),
    "zlotych": ("PLN",), "₫": ("VND",), "d": ("VND",), "dong": ("VND",), "vnd": ("VND",), "₴": ("UAH",), "₽": ("RUB",),
    "руб": ("RUB",), "kc": ("CZK",), "ft": ("HUF",), "₹": ("INR",), "₺": ("TRY",), "₩": ("KRW",), "лв": ("BGN",),
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"), "us": ("USD",), "¥": ("JPY", "CNY"), "fr": ("CHF",),
    "kr": ("SEK", "NOK", "DKK", "ISK"), "lei": ("RON", "MDL"),
}  # fmt: skip
_CHUNK = re.compile(r"[.,]?\d(?:[\d.,' ]*\d)?[.,]?")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([.,' ])\d{3})(?:\1\d{3})*")
_LAKHS = re.compile(r"[1-9]\d?(?:,\d{2})+,\d{3}")  # as India groups: 1,50,000


@dataclass(frozen=True)
class Amount:
    """Args: value: exact, as typed. currency: the ISO code that a sign beside it names; empty: none is named."""

    value: Decimal
    currency: str = ""


@cache
def _current() -> frozenset[str]:
    """Codes of money that somebody still pays with: no gold, no marks, no "XXX"."""
    paid = {
        code
        for place in get_global("territory_currencies").values()
        for code, _a, end, tender in place
        if tender and not end
    }
    return frozenset(code for code in paid if not code.startswith("X") or code in ("XAF", "XOF", "XCD", "XPF"))


def read(text: str, *, currency: str = "", language: str = "") -> Amount:
    """Money: "1 234,56 zł" · "1,234.50" · "(12.50)" · "12,5 tys." · "£1,500" · "1.500,-".

    Three digits after a single sign are thousands, whatever the language: nobody types a tenth of a cent. Only in
    currencies of three decimals (KWD) the language tells.

    Args:
        currency: the ISO code that is expected here; empty: one of at most two decimals.
        language: of whoever typed it, by default the active one.
    Raises ValidationError.
    """
    fine = bool(currency) and currency in list_currencies() and get_currency_precision(currency) > 2
    value, words = _split(text, _("“%(value)s” is not an amount."), language if fine else None)
    named, times = "", Decimal(1)
    for word in words:
        if word in _TIMES and times == 1:
            times = _TIMES[word]
        else:
            meant = _SIGNS.get(word) or ((word.upper(),) if word.upper() in _current() else ())
            if not meant or (named and named not in meant):
                raise ValidationError(_("“%(value)s” is not an amount."), params={"value": text.strip()[:40]})
            named = named or (currency if currency in meant else meant[0])
    return Amount(value * times, named)


def is_currency(code: str) -> bool:
    """Whether somebody pays with it, or did within ten years: no gold, no marks, no "XXX"; old cards can be edited."""
    return code in _recent()


@cache
def _recent() -> frozenset[str]:
    since = (date.today().year - 10, 1, 1)
    paid = {
        code
        for place in get_global("territory_currencies").values()
        for code, _start, end, is_tender in place
        if is_tender and (end is None or end >= since)
    }
    return frozenset(paid | _current() | {"ANG", "XCG"})  # the newest of all is in no list yet


def check_currency(code: str) -> None:
    """A model's validator. Raises ValidationError."""
    if not is_currency(code):
        raise ValidationError(_("“%(value)s” is not a currency such as EUR."), params={"value": code[:20]})


def currency_of(text: str) -> str:
    """The ISO code of a currency by its code, sign or usual word; empty for none."""
    code, bare = plain(text).upper(), (fold(plain(text)) or text).strip(".")
    if code in _current():
        return code
    return _SIGNS.get(bare, ("",))[0]


def read_number(text: str, *, language: str = "") -> Decimal:
    """A plain number, by the language only: "1,500" is 1.5 in Polish and 1500 in English. Raises ValidationError."""
    value, words = _split(text, _("“%(value)s” is not a number."), language)
    if words not in ([], ["%"]):
        raise ValidationError(_("“%(value)s” is not a number."), params={"value": text.strip()[:40]})
    return value


def plain(text: str) -> str:
    """Letters and digits of any script as ASCII has them: full-width and Arabic digits, hard and thin blanks, ’, −."""
    # Raised digits stay what they are: "5²" is not 52.
    kept = "".join(c if c in "²³¹" else unicodedata.normalize("NFKC", c) for c in text)
    kept = "".join(str(unicodedata.decimal(c)) if c.isdecimal() and not c.isascii() else c for c in kept)
    kept = re.sub("[\u2019\u2018`\u00b4\u066c]", "'", kept).replace("\u066b", ",")
    return " ".join(re.sub("[\u2212\u2013\u2014]", "-", kept).split())


def _split(text: str, refusal: Any, language: str | None) -> tuple[Decimal, list[str]]:
    """The number, and the folded words beside it. `language`: None: three digits after one sign are thousands."""
    shown = text.strip()[:40]
    if len(text) > LONGEST:
        raise ValidationError(refusal, params={"value": shown})
    bare = re.sub(r"(?<=\d)[.,] ?-{1,2}(?=\D*$)", "", plain(text))  # "1500,-"
    found = list(_CHUNK.finditer(bare))
    if len(found) != 1:
        raise ValidationError(refusal, params={"value": shown})
    around = f"{bare[: found[0].start()]} {bare[found[0].end() :]}"
    is_minus = bool(re.fullmatch(r"\(.*\)", bare)) or around.count("-") == 1
    around = re.sub(r"[()+]", " ", around).replace("-", " ", 1)
    value = _digits(found[0].group(), language)
    if value is None:
        raise ValidationError(refusal, params={"value": shown})
    words = [fold(word) or word for word in re.findall(r"[^\W\d_]+|[^\w\s.]", around)]
    return -value if is_minus else value, words


def _digits(chunk: str, language: str | None) -> Decimal | None:
    """Digits with signs between them; None where they are no number."""
    whole, sign, rest = _parted(chunk, language)
    if sign and not rest.isdigit() and rest:
        return None
    if not whole.isdigit() and whole:
        if not (_GROUPED.fullmatch(whole) or _LAKHS.fullmatch(whole)) or (sign and sign in whole):
            return None
        whole = re.sub(r"\D", "", whole)
    return Decimal(f"{whole or 0}.{rest}" if rest else whole) if whole or rest else None


def _parted(chunk: str, language: str | None) -> tuple[str, str, str]:
    """Whole part, decimal sign, decimals."""
    place = max(chunk.rfind("."), chunk.rfind(","))
    if place < 0:
        return chunk, "", ""
    sign = chunk[place]
    if chunk.count(sign) > 1 and not {".", ",", " ", "'"} - {sign} & set(chunk):
        return chunk, "", ""  # "15.000.000"
    is_open = _GROUPED.fullmatch(chunk) and chunk.count(sign) == 1 and not set(" '") & set(chunk)
    if is_open and (language is None or _group_of(language) == sign):
        return chunk, "", ""  # "1,500": the one shape that means two things
    return chunk[:place], sign, chunk[place + 1 :]


def _group_of(language: str) -> str:
    return str(Locale.parse((language or get_language() or "en").replace("-", "_")).number_symbols["latn"]["group"])
