"""The import's forms: which file for what, and what its columns mean."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.ground import dates
from crm.importing import reading
from crm.importing.columns import NEEDED, columns_of
from crm.importing.making import SAMPLED, date_cells
from crm.importing.models import Import
from crm.items import customer_rights
from crm.people.models import User
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.pipelines.models import Pipeline


class UploadForm(forms.Form):
    file = forms.FileField(label=_("file"), help_text=_("CSV, XLSX, XLS or ODS; the first line holds the headers."))
    what = forms.ChoiceField(label=_("what it holds"))
    encoding = forms.ChoiceField(
        label=_("encoding"), required=False, help_text=_("Only of CSV files. If letters look wrong in the next step.")
    )

    def __init__(self, user: User, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files)
        people = [(t.value, t.label) for t in (Import.Target.CONTACTS, Import.Target.COMPANIES)]
        mine = [
            (f"items:{pipeline.pk}", f"{pipeline.item_type.plural}: {pipeline.name}")
            for pipeline in Pipeline.objects.visible_to(user).select_related("item_type")
            if rights.allows(user, machine_of(pipeline.pk), "add")
        ]
        may = customer_rights.scope_of(user, "add") > rights.Scope.NONE
        box: Any = self.fields["what"]
        box.choices = [*(people if may else []), *mine]
        codes = [(name, name) for name in reading.ENCODINGS]
        box = self.fields["encoding"]
        box.choices = [("", _("find out")), *codes]
        for name in ("what", "encoding"):
            self.fields[name].widget.attrs["class"] = "form-select"
        self.fields["file"].widget.attrs |= {"class": "form-control", "accept": ".csv,.txt,.tsv,.xlsx,.xls,.ods"}

    def clean(self) -> dict[str, Any]:
        """The file is read here, so that what is wrong with it stands beside it."""
        data = super().clean() or {}
        if data.get("file"):
            try:
                data["table"] = reading.read(data["file"].read(), data.get("encoding", ""))
            except reading.CannotRead as error:
                self.add_error("file", str(error))
        return data


class MappingForm(forms.ModelForm):
    """A select for each column of the file, what happens with duplicates, and for items the stage and its rules."""

    class Meta:
        model = Import
        fields = ("duplicates", "stage", "start_rules")

    def __init__(self, work: Import, data: Any = None) -> None:
        super().__init__(data, instance=work)
        self.columns = columns_of(work.target, work.pipeline)
        choices = [("", _("– leave out –")), *((column.key, column.label) for column in self.columns)]
        for place, _header in enumerate(work.headers):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                choices=choices,
                required=False,
                initial=work.mapping.get(str(place), ""),
                widget=forms.Select(attrs={"class": "form-select form-select-sm", "aria-label": work.headers[place]}),
            )
        self._ask_order()
        if work.target == Import.Target.ITEMS:
            stage: Any = self.fields["stage"]
            assert work.pipeline is not None
            stage.queryset = work.pipeline.stages.filter(retired=False)
            stage.empty_label = _now("the first one")
            stage.help_text = _("For rows without a stage of their own.")
        else:
            del self.fields["stage"], self.fields["start_rules"]
        for name in ("duplicates", "stage"):
            if name in self.fields:
                self.fields[name].widget.attrs["class"] = "form-select"

    def _ask_order(self) -> None:
        """Of day and month, where some date hangs on it. Known from the file, it stands there to be corrected."""
        lines = self.instance.rows.order_by("number").values_list("cells", flat=True)[:SAMPLED]
        self.in_doubt = [cell for line in lines for cell in line if dates.is_open(cell)]
        if not self.in_doubt:
            return
        order: Any = forms.ChoiceField(
            label=_now("Dates such as %s") % self.in_doubt[0][:20],
            choices=[("", _("found out from the file")), *dates.ORDERS],
            required=False,
            initial=self.instance.date_order,
            widget=forms.Select(attrs={"class": "form-select"}),
        )
        self.fields["date_order"] = order

    def _clean_order(self) -> None:
        """One order for all columns of the file: chosen, found in it, or asked for."""
        places = {
            place: column
            for place in range(len(self.instance.headers))
            for column in self.columns
            if column.key == self.cleaned_data.get(f"column_{place}")
        }
        chosen = self.cleaned_data.get("date_order", "")
        self.instance.date_order = chosen or dates.order_of(date_cells(self.instance, places))
        doubtful = next(filter(dates.is_open, date_cells(self.instance, places)), None)
        if doubtful is None or self.instance.date_order:
            return
        words = (
            _now("Does “%s” begin with the day or the month? The file does not tell; please choose.") % doubtful[:30]
        )
        self.add_error("date_order" if "date_order" in self.fields else None, words)

    def mapping(self) -> dict[str, str]:
        return {
            str(place): self.cleaned_data[f"column_{place}"]
            for place in range(len(self.instance.headers))
            if self.cleaned_data.get(f"column_{place}")
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        several = {column.key for column in self.columns if column.several}
        chosen = [data.get(f"column_{place}") for place in range(len(self.instance.headers))]
        for place, key in enumerate(chosen):
            if key and key not in several and key in chosen[:place]:
                self.add_error(f"column_{place}", _now("Another column fills this already."))
        self._clean_order()
        needed = NEEDED[Import.Target(self.instance.target)]
        if not set(needed) & set(filter(None, chosen)):
            names = ", ".join(str(column.label) for column in self.columns if column.key in needed)
            raise ValidationError(_now("Choose at least one of these for a column: %s.") % names)
        return data
