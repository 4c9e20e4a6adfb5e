"""What an officer may choose on the page of a right."""

import json
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder

from dsar.models import SubjectRequest


class RightForm(forms.Form):
    """No choice at all: the ground of the others. The page makes it with the request that it is about."""

    def __init__(self, *args: Any, subject_request: SubjectRequest, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.subject_request = subject_request

    def chosen(self) -> dict[str, Any]:
        """Return the choices as plain JSON, of a form that is valid: dates as text, rows by their id."""
        plain = {name: getattr(value, "pk", value) for name, value in self.cleaned_data.items()}
        return json.loads(json.dumps(plain, cls=DjangoJSONEncoder))

    def initial_choices(self) -> dict[str, Any]:
        """Return what the page shows first, as data for a form of this kind."""
        found = {name: self.get_initial_for_field(field, name) for name, field in self.fields.items()}
        return {name: value for name, value in found.items() if value not in (None, "")}
