"""The buttons on the page of a request of which a part is a client's."""

from django.utils import timezone
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.portal_admin import back_to, run_or_say
from dsar import routing
from dsar.routing_forms import ClientAnswerForm, ForwardForm, SplitForm


class RoutingActions:
    """Adds the buttons to the admin of requests."""

    def _may_route(self, request, object_id, concerns) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        may = bool(found) and found.has_parts and request.user.has_perm("dsar.change_subjectrequest")
        return may and any(concerns(part) for part in routing.parts_of(found))

    def has_split_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return bool(found) and found.is_open and request.user.has_perm("dsar.change_subjectrequest")

    def has_forward_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        may = self._may_route(request, object_id, ForwardForm.concerns) and request.user.has_perm("dsar.send_letter")
        return may and found.is_open

    def has_client_answer_permission(self, request, object_id=None) -> bool:
        return self._may_route(request, object_id, ClientAnswerForm.concerns)

    @action(
        description="Split for a client",
        permissions=["split"],
        icon="call_split",
        dialog={
            "title": "A client of ours decides about a part of it",
            "description": "Their part is passed on within two working days of receipt, and the person is told.",
            "form_class": SplitForm,
            "form_submit_text": "Split",
        },
    )
    def split(self, request, form, object_id):
        data = form.cleaned_data
        run_or_say(
            request,
            lambda: routing.split_request(
                object_id, account=data["account"], is_ours_too=data["is_ours_too"], user=request.user, now=timezone.now()
            ),
            "Split. Pass the client’s part on next.",
            routing.UnableToRoute,
        )  # fmt: skip
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Pass on to the client",
        permissions=["forward"],
        variant=ActionVariant.PRIMARY,
        icon="forward_to_inbox",
        dialog={
            "title": "Pass a part on to its client",
            "description": "A mail goes to the client, a letter to the person. A request that is wholly the client’s ends with it.",
            "form_class": ForwardForm,
            "form_submit_text": "Pass it on",
        },
    )
    def forward(self, request, form, object_id):
        data = form.cleaned_data
        run_or_say(
            request,
            lambda: routing.forward_part(
                data["part"].pk, language=data["language"], way=data["way"], user=request.user, now=timezone.now()
            ),
            "Passed on, and the person is told.",
            routing.UnableToRoute,
        )
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="The client’s answer",
        permissions=["client_answer"],
        icon="reply",
        dialog={
            "title": "What the client has answered",
            "description": "It stands with the part.",
            "form_class": ClientAnswerForm,
            "form_submit_text": "Record it",
        },
    )
    def client_answer(self, request, form, object_id):
        data = form.cleaned_data
        run_or_say(
            request,
            lambda: routing.record_answer(data["part"].pk, data["answer"], user=request.user, now=timezone.now()),
            "Recorded.",
            routing.UnableToRoute,
        )
        return back_to(self, object_id)  # type: ignore[arg-type]
