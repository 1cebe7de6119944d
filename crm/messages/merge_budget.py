"""What a merge text may cost. One text must not stop the house: it is filled in while others wait for the database.

Liquid's own limits count loop steps and output. They do not see what one filter makes of its input (a range of a billion
numbers added up, a text replaced into itself), and nothing counts time. Here every filter, range and loop step asks a
budget; whatever a text does, its reader gets one MergeError-like sentence and nobody a 500.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from io import StringIO
from typing import Any

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.exceptions import FilterArgumentError, LiquidError, ResourceLimitError
from liquid.output import LimitedStringIO

from crm.ground.sentences import said

MOST_RANGE = 2_000  # numbers
MOST_TEXT = 100_000  # characters of one value
MOST_ROWS = 10_000  # of a list
MOST_PAIRS = 2_000  # rows that a filter compares each with each
MOST_DIGITS = 30  # of a number, before and behind its decimal sign
MOST_SECONDS = 0.5  # of this thread's processor


@dataclass
class Budget:
    """Of one rendering."""

    until: float = field(default_factory=lambda: time.thread_time() + MOST_SECONDS)
    steps: int = 0

    def look(self) -> None:
        """Raises once the time is used up; asked between steps, each of which is small: the clock at each sixteenth."""
        self.steps += 1
        if self.steps % 16 == 0 and time.thread_time() > self.until:
            raise ResourceLimitError(said("text.slow", "it takes too long to fill in"), token=None)


# ---------------------------------------------------------------------- values


def _too_large() -> FilterArgumentError:
    return FilterArgumentError(said("text.grows", "a value in it would grow too large"), token=None)


def _weigh(value: Any) -> None:
    """Refuse a value that is too large to go on with."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, str):
        if len(value) > MOST_TEXT:
            raise _too_large()
    elif isinstance(value, int | float | Decimal):
        _weigh_number(value)
    elif isinstance(value, list | tuple):
        if len(value) > MOST_ROWS or sum(len(one) for one in value if isinstance(one, str)) > MOST_TEXT:
            raise _too_large()
        for one in value:
            if isinstance(one, list | tuple | int | float | Decimal):
                _weigh(one)


def _weigh_number(value: int | float | Decimal) -> None:
    if isinstance(value, int):
        if abs(value) >= 10**MOST_DIGITS:
            raise _too_large()
        return
    exact = Decimal(value)
    if not exact.is_finite():
        raise FilterArgumentError(said("text.no_number", "“%s” is no number") % value, token=None)
    if exact and not -MOST_DIGITS <= exact.adjusted() < MOST_DIGITS:
        raise _too_large()


def _weigh_written(value: Any) -> None:
    """A text that a filter of numbers would read: "1e999999999" is eleven letters, and a billion digits."""
    if isinstance(value, list | tuple):
        for one in value:
            _weigh_written(one)
    elif isinstance(value, str):
        if len(value) > 3 * MOST_DIGITS:
            raise _too_large()
        try:
            number = Decimal(value.strip())
        except ArithmeticError:
            return  # the filter's own matter
        _weigh_number(number)


def _joined(left: Any, separator: Any = " ") -> int:
    rows = left if isinstance(left, list | tuple | range) else [left]
    return sum(len(str(row)) for row in rows) + len(rows) * len(str(separator))


def _replaced(left: Any, old: Any = "", new: Any = "") -> int:
    text, old = str(left), str(old)
    places = text.count(old) if old else len(text) + 1
    return len(text) + places * len(str(new))


# What a filter would make of its input, told before it does so: afterwards the memory is taken.
_SIZES: dict[str, Callable[..., int]] = {"join": _joined, "replace": _replaced}
_NUMERIC = frozenset(
    [
        "abs",
        "at_least",
        "at_most",
        "ceil",
        "divided_by",
        "floor",
        "minus",
        "modulo",
        "plus",
        "round",
        "times",
        "sum",
        "money",
        "number",
    ]
)
_EACH_WITH_EACH = frozenset({"uniq"})


def without_tags(text: Any) -> str:
    """The text without HTML, its scripts and styles too. In one pass: Liquid's own reads "<<<<…" in square time."""
    text, parts, place = str(text), [], 0
    lower = text.lower()
    while (start := text.find("<", place)) >= 0:
        end = text.find(">", start)
        if end < 0:
            break
        parts.append(text[place:start])
        place = end + 1
        for name in ("script", "style"):
            if lower.startswith(name, start + 1):
                closed = lower.find(f"</{name}", place)
                place = text.find(">", closed) + 1 if closed >= 0 and text.find(">", closed) >= 0 else len(text)
    return "".join([*parts, text[place:]])


# ---------------------------------------------------------------------- Liquid's own parts, asking the budget


class BudgetContext(RenderContext):
    """Filters run through the budget here. `formats`: language, zone and currency, which no text can see or assign."""

    __slots__ = ("budget", "formats")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parent = self.parent_context
        self.budget: Budget = parent.budget if isinstance(parent, BudgetContext) else Budget()
        self.formats: dict[str, str] = parent.formats if isinstance(parent, BudgetContext) else {}

    def filter(self, name: str, token: Any) -> Callable[..., Any]:
        function = super().filter(name, token)

        def asked(left: Any, *args: Any, **kwargs: Any) -> Any:
            self.budget.look()
            for value in (left, *args, *kwargs.values()):
                _weigh(value)
                if name in _NUMERIC:
                    _weigh_written(value)
            if name in _SIZES and _SIZES[name](left, *args) > MOST_TEXT:
                raise _too_large()
            if name in _EACH_WITH_EACH and isinstance(left, list | tuple) and len(left) > MOST_PAIRS:
                raise _too_large()
            made = self._made(name, function, left, args, kwargs)
            _weigh(made)
            return made

        return asked

    def _made(self, name: str, function: Callable[..., Any], left: Any, args: Any, kwargs: Any) -> Any:
        try:
            return function(left, *args, **kwargs)
        except (LiquidError, TypeError):
            raise  # named by Liquid itself, with the filter
        except Exception as error:
            words = {"filter": name, "value": str(left)[:40]}
            raise FilterArgumentError(
                said("text.filter_refuses", "%(filter)s cannot be made of “%(value)s”") % words, token=None
            ) from error

    def assign(self, key: str, val: Any) -> None:
        self.budget.look()
        super().assign(key, val)

    def get_buffer(self, buf: Any = None) -> StringIO:
        made = super().get_buffer(buf)
        return _Watched(made.limit, self.budget) if isinstance(made, LimitedStringIO) else made


class _Watched(LimitedStringIO):
    """Output that looks at the clock with each piece."""

    def __init__(self, limit: int, budget: Budget) -> None:
        super().__init__(limit)
        self.budget = budget

    def write(self, text: str) -> int:
        self.budget.look()
        return super().write(text)


class BudgetTemplate(BoundTemplate):
    context_class = BudgetContext

    def fill(self, data: dict[str, Any], formats: dict[str, str]) -> str:
        """The text with its values. Raises LiquidError, and whatever else a text brings about."""
        context = BudgetContext(self, globals=self.make_globals(data))
        context.formats = formats
        limit = self.env.output_stream_limit
        buffer: Any = _Watched(limit, context.budget) if limit is not None else StringIO()
        self.render_with_context(context, buffer)
        return str(buffer.getvalue())


class _Step(Node):
    """Stands first in every loop's body: empty turns cost time too."""

    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        if isinstance(context, BudgetContext):
            context.budget.look()
        return 0


class _ForNode(ForNode):
    def __init__(self, token: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(token, *args, **kwargs)
        self.block.nodes = [_Step(token), *self.block.nodes]


class _TablerowNode(TablerowNode):
    def __init__(self, token: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(token, *args, **kwargs)
        self.block.nodes = [_Step(token), *self.block.nodes]


class BudgetForTag(ForTag):
    node_class = _ForNode


class BudgetTablerowTag(TablerowTag):
    node_class = _TablerowNode


def _bounded_range(self: RangeLiteral, start: Any, stop: Any) -> range:
    made = _make_range(self, start, stop)
    if made and made[-1] - made[0] >= MOST_RANGE:
        raise ResourceLimitError(
            said("text.range", "a range may have %d numbers at most") % MOST_RANGE, token=self.token
        )
    return made


# Liquid's parser makes RangeLiteral by its name, so there is no door for a class of ours.
_make_range = RangeLiteral._make_range
RangeLiteral._make_range = _bounded_range  # type: ignore[method-assign]  # the library's place for it
