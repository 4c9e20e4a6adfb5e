"""The buttons on the page of a request that may be the same as another."""

from django.utils import timezone
from unfold.decorators import action

from accounts.portal_admin import back_to, run_or_say
from dsar import duplicates
from dsar.duplicate_forms import DuplicateForm


class DuplicateActions:
    """Adds the buttons to the admin of requests."""

    def has_duplicate_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        may = (
            bool(found)
            and found.is_open
            and found.may_be_double
            and request.user.has_perm("dsar.change_subjectrequest")
        )
        return may and bool(duplicates.candidates(found))

    @action(
        description="Merge with the same",
        permissions=["duplicate"],
        icon="merge",
        dialog={
            "title": "They ask for the same",
            "description": "The earlier one stands for both, with its receipt and its date; the later one ends as merged.",
            "form_class": DuplicateForm,
            "form_submit_text": "Merge",
        },
    )
    def merge(self, request, form, object_id):
        kept = []

        def do() -> None:
            other = form.cleaned_data["other"].pk
            kept.append(duplicates.merge(form.subject_request.pk, other, user=request.user, now=timezone.now()))

        run_or_say(request, do, "Merged: this one stands for both.", duplicates.UnableToMerge)
        return back_to(self, kept[0].pk if kept else object_id)  # type: ignore[arg-type]

    @action(
        description="Not the same",
        permissions=["duplicate"],
        icon="call_split",
        dialog={
            "title": "They do not ask for the same",
            "description": "They are not proposed to anybody again.",
            "form_class": DuplicateForm,
            "form_submit_text": "Not the same",
        },
    )
    def not_same(self, request, form, object_id):
        run_or_say(
            request,
            lambda: duplicates.say_not_same(
                form.subject_request.pk, form.cleaned_data["other"].pk, user=request.user, now=timezone.now()
            ),
            "Noted.",
        )
        return back_to(self, object_id)  # type: ignore[arg-type]
