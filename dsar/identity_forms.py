"""What officers fill in about who asks. Addresses and numbers are shown masked to those who may not see them."""

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.masking import mask
from accounts.portal_admin import may_see_clear
from accounts.validators import refuse_card_numbers
from dsar.identity import proof
from dsar.identity.challenge import matches_needed, questions_for
from dsar.identity.proof import E164, EMAIL, Kind, Proof
from dsar.models import Agent, Identifier
from dsar.request_forms import RequestDialog


class PersonDialog(RequestDialog):
    """A dialog that shows identifiers."""

    def shown(self, value: str) -> str:
        return value if may_see_clear(self.request) else mask(value)


class AskForm(PersonDialog):
    """What the request leans on: what is known already, and one thing more."""

    known = forms.MultipleChoiceField(
        label="To be proved", required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    other = forms.CharField(
        label="Another e-mail or number",
        required=False,
        max_length=254,
        widget=UnfoldAdminTextInputWidget,
        help_text="Only one the person gave in their request. A number with + and its country.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.candidates = {
            f"{kind}:{n}": (kind, value, source)
            for n, (kind, value, source) in enumerate(proof.candidates(self.subject_request))
        }
        field = self.fields["known"]
        field.choices = [  # type: ignore[attr-defined]
            (key, f"{Kind(kind).label}: {self.shown(value)}, {source}")
            for key, (kind, value, source) in self.candidates.items()
        ]
        field.initial = list(self.candidates)[:1]
        if not self.candidates:
            del self.fields["known"]

    def clean(self):
        cleaned = super().clean() or {}
        wanted = [self.candidates[key][:2] for key in cleaned.get("known", [])]
        if other := cleaned.get("other", "").strip():
            kind = Kind.EMAIL if EMAIL.fullmatch(other) else Kind.PHONE
            if kind == Kind.PHONE and not E164.fullmatch(other):
                self.add_error("other", "This is neither an e-mail nor a number with + and its country.")
            wanted.append((kind, other))
        if not wanted and not self.errors:
            raise forms.ValidationError("Choose at least one.")
        cleaned["wanted"] = wanted
        return cleaned


class CodeForm(PersonDialog):
    identifier = forms.ModelChoiceField(
        label="Sent to", queryset=Identifier.objects.none(), widget=UnfoldAdminSelectWidget, empty_label=None
    )
    code = forms.CharField(label="Code", max_length=12, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["identifier"]
        field.queryset = Identifier.objects.filter(  # type: ignore[attr-defined]
            request=self.subject_request, kind__in=proof.BY_CODE, proved_at__isnull=True
        ).order_by("asked_at", "pk")
        field.label_from_instance = lambda each: f"{each.get_kind_display()}: {self.shown(each.value)}"  # type: ignore[attr-defined]


class QuestionsForm(PersonDialog):
    """A field for each question that the record can answer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        needed = matches_needed(self.subject_request)
        for question in questions_for(self.subject_request):
            self.fields[question.code] = forms.CharField(
                label=question.text,
                help_text=question.hint,
                required=False,
                max_length=100,
                widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
            )
        self.needed = needed

    def clean(self):
        cleaned = super().clean() or {}
        if len(self.said(cleaned)) < self.needed:
            raise forms.ValidationError(f"Give at least {self.needed} answers.")
        return cleaned

    def said(self, cleaned=None) -> dict[str, str]:
        """Return the answers given, by the code of their question."""
        given = self.cleaned_data if cleaned is None else cleaned
        codes = {question.code for question in questions_for(self.subject_request)}
        return {code: text for code, text in given.items() if code in codes and text}


class OtherProofForm(PersonDialog):
    identifier = forms.TypedChoiceField(label="What is proved", widget=UnfoldAdminSelectWidget)
    proof = forms.ChoiceField(
        label="How",
        choices=[(way.value, way.label) for way in (Proof.CALL_BACK, Proof.IN_PERSON, Proof.LETTER)],
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        request = self.subject_request
        found = [(kind, value) for kind, value, _ in proof.candidates(request)]
        found += [(Kind.ACCOUNT, request.person.outside_id)] if request.person else []
        found += [(each.kind, each.value) for each in Identifier.objects.filter(request=request)]
        self.choices = {f"{kind}:{n}": (kind, value) for n, (kind, value) in enumerate(dict.fromkeys(found))}
        self.fields["identifier"].choices = [  # type: ignore[attr-defined]
            (key, f"{Kind(kind).label}: {self.shown(value) if kind != Kind.ACCOUNT else value}")
            for key, (kind, value) in self.choices.items()
        ]

    def clean_identifier(self):
        return self.choices[self.cleaned_data["identifier"]]


class AgentForm(PersonDialog):
    agent_name = forms.CharField(
        label="Name", max_length=200, widget=UnfoldAdminTextInputWidget, validators=[refuse_card_numbers]
    )
    contact = forms.CharField(
        label="Where to reach them", max_length=200, required=False, widget=UnfoldAdminTextInputWidget,
        validators=[refuse_card_numbers],
    )  # fmt: skip
    authority = forms.ChoiceField(choices=Agent.Authority.choices, widget=UnfoldAdminSelectWidget)
    is_seen = forms.BooleanField(label="I have seen the paper", required=False, widget=UnfoldBooleanSwitchWidget)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if agent := Agent.objects.filter(request=self.subject_request).first():
            self.initial = {
                "agent_name": agent.name, "contact": agent.contact, "authority": agent.authority,
                "is_seen": agent.seen_at is not None,
            }  # fmt: skip

    def cleaned(self) -> dict:
        data = self.cleaned_data
        return {"name": data["agent_name"], **{key: data[key] for key in ("contact", "authority", "is_seen")}}
