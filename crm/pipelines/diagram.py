"""A pipeline's state machine as a picture: stages as boxes, allowed moves as arrows; an SVG without style or script."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.pipelines.machine import Machine
from crm.pipelines.models import Stage

WIDTH, HEIGHT, GAP = 128, 44, 44
MOST = 90  # how high an arrow rises at most
COLOURS = {
    "blue": "#066fd1", "azure": "#4299e1", "indigo": "#4263eb", "purple": "#ae3ec9", "pink": "#d6336c",
    "red": "#d63939", "orange": "#f76707", "yellow": "#f59f00", "lime": "#74b816", "green": "#2fb344",
    "teal": "#0ca678", "grey": "#667382",
}  # fmt: skip


def allowed_moves(machine: Machine) -> list[tuple[Stage, Stage]]:
    """What people may do: rows of allowed moves, else the pipeline's switches for skipping and going back."""
    stages = machine.ordered()
    pairs = [(a, b) for a in stages for b in stages if a.pk != b.pk]
    if machine.transitions:
        return [(a, b) for a, b in pairs if (a.pk, b.pk) in machine.transitions]
    return [(a, b) for a, b in pairs if _by_switches(machine, stages, a, b)]


def _by_switches(machine: Machine, stages: list[Stage], a: Stage, b: Stage) -> bool:
    here, there = machine.position[a.pk], machine.position[b.pk]
    if there < here or not a.is_open:
        return machine.pipeline.may_go_back
    between = [stage for stage in stages[here + 1 : there] if stage.is_open]
    return b.kind == "lost" or not between or machine.pipeline.may_skip


def diagram(machine: Machine) -> SafeString:
    """The picture, and in words what it does not draw. Forward arrows run above the boxes, backward ones below."""
    stages, moves = machine.ordered(), allowed_moves(machine)
    every = len(stages) * (len(stages) - 1)
    if len(moves) == every and every > 12:
        # A web of all arrows says less than a sentence.
        moves = [(a, b) for a, b in moves if machine.position[b.pk] == machine.position[a.pk] + 1]
        note = _("Every move is allowed; only those to the next stage are drawn.")
    else:
        note = ngettext("%d move is allowed.", "%d moves are allowed.", len(moves)) % len(moves)
    place = {stage.pk: GAP + machine.position[stage.pk] * (WIDTH + GAP) for stage in stages}
    width = GAP + len(stages) * (WIDTH + GAP)
    spans = [(place[a.pk], place[b.pk]) for a, b in moves]
    top = 8 + max((_lift(start, end) for start, end in spans if end > start), default=0)
    bottom = 8 + max((_lift(start, end) for start, end in spans if end < start), default=0)
    arrows = [_arrow(start, end, top) for start, end in spans]
    boxes = [_box(stage, place[stage.pk], top) for stage in stages]
    return format_html(
        '<div class="machine"><svg viewBox="0 0 {} {}" width="{}" role="img" aria-label="{}">{}{}{}</svg></div><p class="help">{}</p>',
        width, round(top + HEIGHT + bottom), width, note, _HEAD, mark_safe("".join(arrows)), mark_safe("".join(boxes)), note,
    )  # fmt: skip


_HEAD = mark_safe(
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 L8 4 L0 8 z" fill="currentColor"/></marker></defs>'
)


def _lift(start: int, end: int) -> float:
    """How far an arrow rises above (or sinks below) the boxes; one to the next box does not."""
    return 0 if end == start + WIDTH + GAP else min(MOST, 18 + abs(end - start) / (WIDTH + GAP) * 12)


def _arrow(start: int, end: int, top: float) -> SafeString:
    if not _lift(start, end):
        path = f"M{start + WIDTH} {top + HEIGHT / 2} H{end - 2}"
    else:
        forward = end > start
        edge = top if forward else top + HEIGHT
        lift = _lift(start, end) * (-1 if forward else 1)
        shift = 12 if forward else -12
        x1, x2 = start + WIDTH / 2 + shift, end + WIDTH / 2 - shift
        path = f"M{x1} {edge} C{x1} {edge + lift} {x2} {edge + lift} {x2} {edge + (-2 if forward else 2)}"
    return format_html('<path d="{}" fill="none" stroke="currentColor" opacity="0.65" marker-end="url(#head)"/>', path)


def _box(stage: Stage, x: int, top: float) -> SafeString:
    lines = _wrapped(stage.name)
    first = top + HEIGHT / 2 + 4 - (len(lines) - 1) * 7
    rows: list[tuple[Any, ...]] = [(x + WIDTH / 2, first + number * 14, line) for number, line in enumerate(lines)]
    return format_html(
        '<g><title>{} ({})</title><rect x="{}" y="{}" width="{}" height="{}" rx="7" fill="{}" fill-opacity="0.14" stroke="{}" stroke-width="{}"/>{}</g>',
        stage.name, stage.get_kind_display(), x, top, WIDTH, HEIGHT, _colour(stage), _colour(stage),
        1 if stage.is_open else 2.5,
        format_html_join("", '<text x="{}" y="{}" text-anchor="middle" font-size="12" fill="currentColor">{}</text>', rows),
    )  # fmt: skip


def _colour(stage: Stage) -> str:
    return COLOURS.get(stage.colour, COLOURS["grey"])  # written past the choices: the page shows all the same


def _wrapped(name: str) -> list[str]:
    """At most two lines of about eighteen letters."""
    words, lines = name.split(), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) >= 18:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    lines = [line if len(line) <= 19 else f"{line[:18]}…" for line in lines]
    return lines if len(lines) <= 2 else [lines[0], f"{lines[1][:16]}…"]
