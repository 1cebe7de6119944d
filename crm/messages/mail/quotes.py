"""Which words of a mail are new, and what a colleague only passes on; in any language, as far as programs tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import getaddresses
from html.parser import HTMLParser

from crm.ground.addresses import one_spelling

LONGEST_LINE = 200  # of what may introduce a quotation
# Outlook's block: "From: …" and at least two more such lines. From, sent, to, subject, date, copies; by language:
# en, pl, fr, vi, de, es, it, nl, cs, pt, uk, ru.
NAMES = (
    "From", "Sent", "To", "Subject", "Date", "Cc",
    "Od", "Wysłano", "Do", "Temat", "Data", "DW",
    "De", "Envoyé", "À", "Objet",
    "Từ", "Đã gửi", "Đến", "Chủ đề", "Ngày",
    "Von", "Gesendet", "An", "Betreff", "Datum",
    "Enviado", "Enviado el", "Para", "Asunto", "Fecha",
    "Da", "Inviato", "A", "Oggetto",
    "Van", "Verzonden", "Aan", "Onderwerp",
    "Odesláno", "Komu", "Předmět",
    "Enviada em", "Assunto",
    "Від", "Надіслано", "Кому", "Тема", "От", "Отправлено", "Дата",
)  # fmt: skip
FROM = ("From", "Od", "De", "Từ", "Von", "Da", "Van", "Від", "От")
SUBJECT = (
    "Subject",
    "Temat",
    "Objet",
    "Chủ đề",
    "Betreff",
    "Asunto",
    "Oggetto",
    "Onderwerp",
    "Předmět",
    "Assunto",
    "Тема",
)


def _line_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """ "From: …", "*From:* …", "> From: …"; French puts a space before the colon."""
    each = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.compile(rf"^\s*[*>]?\s*\*?({each})\*?\s?:\*?\s*(.*)$")


HEADER_LINE = _line_of(NAMES)
FROM_LINE, SUBJECT_LINE = _line_of(FROM), _line_of(SUBJECT)


def without_quotes(text: str) -> str:
    """What is new in an answer: the text before the first quoted block that reaches to the end, in any language."""
    lines = text.split("\n")
    block = _last_block(lines)
    for number, line in enumerate(lines):
        if _separates(line) and _quotes(lines[number + 1 : number + 5]):
            return _upto(lines, number) or text
        if number == block:
            return _upto(lines, _introduction(lines, number)) or text
        if _is_header_block(lines, number):
            return _upto(lines, number) or text
    return text


def _last_block(lines: list[str]) -> int:
    """Where the quoted lines begin that reach to the end; -1 for none."""
    first = -1
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].startswith(">"):
            first = number
        elif lines[number].strip():
            break
    return first


def _separates(line: str) -> bool:
    """ "-----Original Message-----", or a rule of underscores."""
    line = line.strip()
    if len(line) > LONGEST_LINE:
        return False
    return (line.startswith("----") and line.endswith("----") and line.strip("- ") != "") or (
        len(line) >= 20 and not line.strip("_")
    )


def _quotes(lines: list[str]) -> bool:
    return any(HEADER_LINE.match(line[:LONGEST_LINE]) for line in lines)


def _introduction(lines: list[str], number: int) -> int:
    """Where the sentence begins that introduces the quotation; it may be broken over three lines.

    "On … Anna wrote:", "W dniu … napisał(a):", "… a écrit :", "… đã viết:" all end with a colon.
    """
    before = number - 1
    while before >= 0 and not lines[before].strip():
        before -= 1
    if before < 0 or not lines[before].rstrip().endswith((":", "：")):
        return number
    for _more in range(2):
        if before > 0 and lines[before - 1].strip():
            before -= 1
    return before


def _is_header_block(lines: list[str], number: int) -> bool:
    if not HEADER_LINE.match(lines[number][:LONGEST_LINE]):
        return False
    return sum(bool(HEADER_LINE.match(line[:LONGEST_LINE])) for line in lines[number : number + 5]) >= 3


def _upto(lines: list[str], number: int) -> str:
    return "\n".join(lines[:number]).strip()


# ---------------------------------------------------------------------- HTML

# What programs put around the mail that is answered: Gmail, Thunderbird, Apple, Yahoo, Proton, Zoho.
CLASSES = {"gmail_quote", "gmail_quote_container", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote", "zmail_extra"}
# Outlook puts a mark before it, and nothing around it.
MARKS = {"divRplyFwdMsg", "appendonsend", "mail-editor-reference-message-container", "OLK_SRC_BODY_SECTION"}
EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class _Finder(HTMLParser):
    """Where the first quotation begins, and whether words follow that are outside of all."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: int | None = None
        self.starts: list[int] = [0]
        self.within: list[str] = []  # the open tags of a quotation
        self.to_the_end = False
        self.words_follow = False

    def place(self) -> int:
        line, column = self.getpos()
        return self.starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in EMPTY or self.to_the_end:
            return
        if self.within:
            self.within.append(tag)
            return
        own = {name: value or "" for name, value in attrs}
        cited = tag == "blockquote" and (own.get("type") == "cite" or "cite" in own)
        marked = own.get("id") in MARKS
        if cited or marked or CLASSES & set(own.get("class", "").split()):
            self.found = self.place() if self.found is None else self.found
            self.within, self.to_the_end = [tag], marked

    def handle_endtag(self, tag: str) -> None:
        # Tags that nobody closed are closed with what holds them.
        if tag in self.within:
            while self.within.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.found is not None and not self.within and not self.to_the_end and data.strip():
            self.words_follow = True

    def unknown_decl(self, data: str) -> None:
        """Word's "<![if …]>"."""


def new_html(html: str) -> str:
    """The HTML before the mail that it answers; all of it where words follow, or nothing says where that begins."""
    finder = _Finder()
    finder.starts += [found.end() for found in re.finditer("\n", html)]
    try:
        finder.feed(html)
    except AssertionError:  # the parser's word for a section that it does not know
        return html
    return html if finder.found is None or finder.words_follow else html[: finder.found]


# ---------------------------------------------------------------------- passed on


@dataclass(frozen=True)
class PassedOn:
    """A mail that somebody forwarded within the text. `comment`: what the forwarder wrote above it."""

    name: str
    address: str
    subject: str
    text: str
    comment: str


def passed_on(text: str) -> PassedOn | None:
    """The first forwarded mail of a text; None for a text that holds none with an address of its sender."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not FROM_LINE.match(line[:LONGEST_LINE]) or not _begins_block(lines, number):
            continue
        end = _end_of_block(lines, number)
        block = [entry[: 5 * LONGEST_LINE] for entry in lines[number:end]]
        sender = next((found[2] for entry in block if (found := FROM_LINE.match(entry))), "")
        ((name, address), *_more) = getaddresses([sender.replace("[mailto:", "<").replace("]", ">")]) or [("", "")]
        if "@" not in address:
            continue
        subject = next((found[2] for entry in block if (found := SUBJECT_LINE.match(entry))), "")
        above = _upto(lines, number)
        comment = "\n".join(entry for entry in above.split("\n") if not _separates(entry)).strip()
        told = "\n".join(lines[end:]).strip()
        return PassedOn(name.strip("*' "), one_spelling(address), subject.strip(), told, comment)
    return None


def _begins_block(lines: list[str], number: int) -> bool:
    return sum(bool(HEADER_LINE.match(line[:LONGEST_LINE])) for line in lines[number : number + 6]) >= 2


def _end_of_block(lines: list[str], number: int) -> int:
    """The first line that is no header and no continuation of one; blank lines between headers are of the block."""
    end = number
    for place in range(number, min(number + 12, len(lines))):
        if HEADER_LINE.match(lines[place][:LONGEST_LINE]):
            end = place + 1
        elif not lines[place].strip() and place > end + 1:
            break
    return end
