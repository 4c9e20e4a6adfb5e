"""Correction (policy § 6.1; GDPR Art. 16; PDPO s.22–24; CCPA § 1798.106): before and after, by field, with what shows it."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.masking import mask
from accounts.models import User
from accounts.validators import refuse_card_numbers
from accounts.verdicts import data_map
from dsar import corrections
from dsar.corrections import Change, UnableToCorrect
from dsar.models import Correction, Decision, SubjectRequest
from dsar.rights import Line, Preview, Right, UnableToCarryOut, register
from dsar.rights.forms import RightForm
from retention.models import Notice
from retention.upstream.changes import recipients_of

EN = "en"
IN_CHINESE = {
    "Name": "姓名", "E-mail": "電郵地址", "Telephone": "電話號碼", "Billing address": "帳單地址", "Business name": "商業名稱",
    "Country": "國家或地區", "Language": "語言", "Workspace name": "工作區名稱",
}  # fmt: skip


class CorrectionForm(RightForm):
    """What is right, by field; a masked field is typed in anew, and empty it stays as it is."""

    evidence = forms.ChoiceField(
        label="What shows it", choices=Correction.Evidence.choices, initial="word", widget=UnfoldAdminSelectWidget
    )
    file = forms.ChoiceField(label="Which document of the ticket", required=False, widget=UnfoldAdminSelectWidget)
    refused = forms.MultipleChoiceField(
        label="Asked for, and not corrected",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What we hold to be right as it is. The letter must give the reason.",
    )
    statement = forms.CharField(
        label="What they say of it",
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        validators=[refuse_card_numbers],
        help_text="In their own words, if they wish. It stands beside the data, and goes with it.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.now: dict[str, str] = {}
        inputs: dict[str, forms.Field] = {}
        for row in corrections.rows_of(self.subject_request):
            for name, column in corrections.correctable(row._meta.label).items():
                key, value = f"{row._meta.label}.{name}", getattr(row, name)
                self.now[key] = value
                long = {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})} if name.endswith("address") else {}
                inputs[key] = forms.CharField(
                    label=column.label,
                    required=False,
                    **({"widget": UnfoldAdminTextInputWidget()} | long),
                    initial="" if column.masked else value,
                    help_text=f"Now {mask(value) or 'empty'}. Leave it empty to keep it." if column.masked else "",
                )
        files = [(str(file.pk), file.name or f"File {file.pk}") for file in corrections.files_of(self.subject_request)]
        self.fields["file"].choices = [("", "None"), *files]  # type: ignore[attr-defined]
        self.fields["refused"].choices = [(key, label_of(key)) for key in inputs]  # type: ignore[attr-defined]
        if not files:
            del self.fields["file"]
        self.fields = {**inputs, **self.fields}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_document = cleaned.get("evidence") == Correction.Evidence.DOCUMENT
        if is_document != bool(cleaned.get("file")):
            raise ValidationError("Choose the document of the ticket that shows it, or say what else does.")
        if cleaned.get("statement") and not cleaned.get("refused"):
            raise ValidationError("A statement is about something that was not corrected: choose what.")
        if twice := [label_of(key) for key in cleaned.get("refused", []) if key in self._wanted(cleaned)]:
            raise ValidationError(f"{', '.join(twice)}: either corrected or not.")
        return cleaned

    def _wanted(self, cleaned: Mapping[str, Any]) -> dict[str, str]:
        typed = {key: cleaned.get(key) or "" for key in self.now}
        return {
            key: value for key, value in typed.items()
            if value != self.now[key] and (value or not column_of(key).masked)
        }  # fmt: skip

    def chosen(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        rest = {name: cleaned[name] for name in ("evidence", "refused", "statement")}
        return {"wanted": self._wanted(cleaned), "file": cleaned.get("file", ""), **rest}


def column_of(key: str):
    model, _, name = key.rpartition(".")
    return data_map()[model].columns[name]


def label_of(key: str) -> str:
    return column_of(key).label


def preview(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Return the fields with their values before and after, who is told, and what is not corrected."""
    obstacles = [] if corrections.rows_of(request) else ["The request names no customer. Enter the customer first."]
    changes = _changes(request, choices)
    if not changes and not choices["refused"]:
        obstacles.append("Write what is right, or choose what is not corrected.")
    lines = [
        Line(what=change.column.label, happens="Corrected", why=_before_after(change), tone="success")
        for change in changes
    ]
    lines += [
        Line(label_of(key), "Stays", "Asked for, and not corrected" + (f". They say: “{choices['statement']}”" if choices["statement"] else ""))
        for key in choices["refused"]
    ]  # fmt: skip
    told = sorted(
        {str(each) for model in {change.model for change in changes} for each in recipients_of(model, now=now)}
    )
    notes = [f"Told of it: {', '.join(told)}."] if told else []
    if changes and not told:
        notes = ["No recipient outside is known to have this data."]
    count = len(changes)
    return Preview(
        lines=lines,
        button=f"Correct {count} field{'' if count == 1 else 's'}" if count else "Correct nothing, and keep it so",
        summary=f"correct {', '.join(change.column.label.lower() for change in changes) or 'nothing'}",
        facts={"changes": corrections.facts(changes), "refused": sorted(choices["refused"])},
        needs_second=corrections.needs_second(changes),
        notes=notes,
        obstacles=obstacles,
    )


def _before_after(change: Change) -> str:
    before = (mask(change.before) if change.column.masked else change.before) or "empty"
    return f"“{before}” becomes “{change.after or 'empty'}”"


def _changes(request: SubjectRequest, choices: Mapping[str, Any]) -> list[Change]:
    try:
        return corrections.changes_of(request, choices["wanted"])
    except UnableToCorrect as error:
        raise UnableToCarryOut(str(error)) from error


def carry_out(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Correct, tell the recipients, and keep the statement; the values themselves do not stay in the decision."""
    request, choices = decision.request, decision.choices
    changes = _changes(request, choices)
    file = uuid.UUID(choices["file"]) if choices["file"] else None
    try:
        made = corrections.apply(request, changes, shown_by=choices["evidence"], file=file, now=now) if changes else []
        if choices["statement"]:
            corrections.state_disagreement(request, choices["statement"], choices["refused"], user=by[0], now=now)
    except UnableToCorrect as error:
        raise UnableToCarryOut(str(error)) from error
    decision.choices = {**choices, "wanted": dict.fromkeys(choices["wanted"], ""), "statement": ""}
    decision.save(update_fields=["choices"])
    return {
        "corrections": [str(each.pk) for each in made],
        "fields": [change.key for change in changes],
        "refused": choices["refused"],
        "statement": bool(choices["statement"]),
        "notices": Notice.objects.filter(request_id=request.pk, kind=Notice.Kind.CORRECTION).count(),
    }


def told(decision: Decision, language: str) -> list[str]:
    """Say which fields were corrected and which were not; the values stand in the data."""
    result = decision.result

    def named(keys: list[str]) -> str:
        labels = [label_of(key) for key in keys]
        if language == EN:
            return ", ".join(label.lower() for label in labels)
        return "、".join(IN_CHINESE.get(label, label) for label in labels)

    said = []
    if result["fields"]:
        said.append(
            f"Corrected: {named(result['fields'])}." if language == EN else f"已更正：{named(result['fields'])}。"
        )
    if result["refused"]:
        kept = named(result["refused"])
        said.append(f"Not corrected: {kept}." if language == EN else f"未予更正：{kept}。")
    if result["statement"]:
        said.append(
            "What you say of it is kept with the data." if language == EN else "閣下的陳述已與該等資料一併保存。"
        )
    return said


register(
    Right(
        code="correction",
        title="Correction",
        types=("rectification",),
        about="Write what is right. What identifies the person, or what a deletion depends on, takes a second officer. "
        "Recipients outside are told at once.",
        preview=preview,
        carry_out=carry_out,
        form=CorrectionForm,
        told=told,
    )
)
