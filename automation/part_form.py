"""The panel of one rule or trigger: the form of its type, its time, its condition and what is rare, over its part of the draft."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import MissingAction, SettingsForm
from automation.condition_form import ConditionForm
from automation.document import RULE, UNREAD, Document, RulePart, Spot, TriggerPart
from automation.models import Rule, RuleSet, Trigger
from automation.publishing.judging import Judge
from automation.publishing.references import INSIDE, referring, type_of
from automation.publishing.rows import Live
from automation.settings_form import raw_of
from automation.timing import TimingForm
from crm.models import User

# Of the time, what few rules need: it stands under *More*.
RARE_TIMING = ("late_limit",)


class RuleColumns(forms.Form):
    name = forms.CharField(label=_("name"), max_length=120)
    after_previous = forms.ChoiceField(label=_("after the previous one"), choices=Rule.After.choices, required=False)
    key = forms.SlugField(label=_("key"), max_length=40, help_text=Rule._meta.get_field("key").help_text)
    repeat = forms.ChoiceField(label=_("repeat"), choices=Rule.Repeat.choices)
    repeat_days = forms.IntegerField(label=_("days"), min_value=1, max_value=3650)
    on_leave = forms.ChoiceField(label=_("when the stage is left"), choices=Rule.OnLeave.choices)
    hourly_limit = forms.IntegerField(label=_("messages an hour, at most"), min_value=1, max_value=1_000_000)
    retry_hours = forms.IntegerField(label=_("try again for, hours"), min_value=0, max_value=240)
    note = forms.CharField(label=_("note"), required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=10_000)

    first = ("name", "after_previous")


class TriggerColumns(forms.Form):
    name = forms.CharField(label=_("name"), max_length=120)
    allow_moving_back = forms.BooleanField(label=_("allow moving back"), required=False)
    change_as = forms.ModelChoiceField(
        User.objects.filter(is_active=True),
        label=_("change stage as"),
        required=False,
        empty_label=_("the item's owner"),
    )
    concerns = forms.ChoiceField(label=_("concerns"), choices=Trigger.Concerns.choices)
    override = forms.BooleanField(
        label=_("override"), required=False, help_text=Trigger._meta.get_field("override").help_text
    )
    note = forms.CharField(label=_("note"), required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=10_000)

    first = ("name", "allow_moving_back")


class PartForm:
    """
    Args:
        data: what was posted; None: the panel is drawn.
    """

    def __init__(
        self, live: Live, document: Document, spot: Spot, part: RulePart | TriggerPart, by: User, data: Any = None
    ):
        self.part, self.data = part, data
        self.judge = Judge(live, document, by)
        self.kind: Any = type_of(part) or MissingAction
        columns: Any = RuleColumns if isinstance(part, RulePart) else TriggerColumns
        start = {name: getattr(part, name) for name in columns.base_fields}
        self.columns = columns(data, prefix="part", initial=start)
        settings = live.inside.outward(self.kind, part.settings)
        self.own: SettingsForm = self.kind.Settings(
            data, prefix="own", scope=self.judge.scope(spot, part), initial=settings
        )
        self._offer_what_the_draft_holds(document)
        unread = unread_of(part) if data is None else data
        self.condition = ConditionForm(unread, prefix="if", tree=part.condition, pipeline=live.pipeline)
        self.timing = TimingForm(data, prefix="when", initial=_readable(part)) if isinstance(part, RulePart) else None
        self.inside = live.inside

    def _offer_what_the_draft_holds(self, document: Document) -> None:
        """Rules, sets and variables are chosen from the draft, by their ids there: new ones have no row yet, old ones may be gone."""
        for name, model in referring(self.kind).items():
            known = self.own.fields[name]
            if model not in INSIDE or not isinstance(known, forms.ModelChoiceField):
                continue
            offered = held_by(document, self.judge, model, getattr(known, "offers", {}))
            empty = [("", known.empty_label or "—")] if known.empty_label is not None or not known.required else []
            kept = self.part.settings.get(name)
            gone = [(kept, _now("%s (not offered any more)") % kept)] if kept and kept not in dict(offered) else []
            self.own.fields[name] = forms.ChoiceField(
                choices=[*empty, *offered, *gone], label=known.label, required=known.required, help_text=known.help_text
            )
            self.own.initial[name] = kept

    @property
    def forms(self) -> list[forms.Form]:
        return [form for form in (self.columns, self.own, self.timing, self.condition) if form is not None]

    @property
    def first_fields(self) -> list[Any]:
        return [self.columns[name] for name in self.columns.first]

    @property
    def timing_fields(self) -> list[Any]:
        return [one for one in self.timing or () if one.name not in RARE_TIMING]

    @property
    def rare_fields(self) -> list[Any]:
        rare = [self.columns[name] for name in self.columns.fields if name not in self.columns.first]
        return [*[one for one in self.timing or () if one.name in RARE_TIMING], *rare]

    def earlier(self, spot: Spot) -> dict[str, set[str]]:
        """What the rules before it give: names by their keys."""
        return self.judge.scope(spot, self.part).outputs()

    def take(self) -> dict[str, list[str]]:
        """What was posted into the part, faults too, so that nothing typed is lost; returns the faults by posted name."""
        valid = {id(form): form.is_valid() for form in self.forms}
        for name, one in self.columns.fields.items():
            if name not in self.columns.errors:
                value = self.columns.cleaned_data[name]
                setattr(self.part, name, value.pk if isinstance(one, forms.ModelChoiceField) and value else value)
        raw = raw_of(self.own)
        self.part.settings = self.inside.inward(self.kind, self.own.stored(raw) if valid[id(self.own)] else raw)
        if self.timing is not None and isinstance(self.part, RulePart):
            self.part.timing = self.timing.raw() if valid[id(self.timing)] else raw_of(self.timing)
        self._take_condition(valid[id(self.condition)])
        return self._faults()

    def _take_condition(self, is_valid: bool) -> None:
        """One that cannot be read is kept beside the one that could: nothing typed is lost, and both cannot go live."""
        if UNREAD in self.part.extra:
            delattr(self.part, UNREAD)
        if is_valid:
            self.part.condition = self.condition.stored()
            return
        names = [name for name in self.data if name.startswith("if-")]
        setattr(self.part, UNREAD, {name: self.data.getlist(name) for name in names})

    def _faults(self) -> dict[str, list[str]]:
        return {
            f"{form.prefix}-{name}": [str(word) for word in words]
            for form in self.forms
            for name, words in form.errors.items()
        }


def held_by(document: Document, judge: Judge, model: Any, offers: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Ids in the document, with names.

    Args:
        offers: by an attribute of a part the values that fit, {"action": ("create_task",)}; empty: all.
    """
    parts: list[tuple[str, str, Any]] = []
    if model is Rule:
        parts = [(part.id, part.name, part) for kind, _spot, part in document.placed() if kind == RULE]
    elif model is RuleSet:
        parts = [(id, one.name, one) for id, one in document.sets.items()]
    else:
        parts = [(one.key, one.label, one) for one in judge.variables()]
    fits = {name: values for name, values in offers.items() if values}
    return [
        (id, name) for id, name, part in parts if all(getattr(part, key, "") in values for key, values in fits.items())
    ]


def unread_of(part: RulePart | TriggerPart) -> QueryDict | None:
    """What was typed into its condition and could not be read, as it was sent; None: nothing."""
    kept = part.extra.get(UNREAD)
    if not isinstance(kept, dict):
        return None
    data = QueryDict(mutable=True)
    for name, values in kept.items():
        data.setlist(name, [str(one) for one in values] if isinstance(values, list) else [str(values)])
    return data


def _readable(part: RulePart) -> dict[str, Any]:
    return dict(part.timing) or {"when": "now"}
