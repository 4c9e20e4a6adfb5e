"""The buttons on the page of a request that are about who asks."""

from django.utils import timezone
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.portal_admin import back_to, run_or_say
from dsar.identity import codes, proof
from dsar.identity.challenge import ask_the_record
from dsar.identity_forms import AgentForm, AskForm, CodeForm, OtherProofForm, QuestionsForm
from dsar.workflow import State, UnableToMove


class IdentityActions:
    """Adds the buttons to the admin of requests."""

    identity_names = ("enter_code", "ask_record", "prove_otherwise", "name_agent")

    def _waits_for_proof(self, request, object_id) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return (
            bool(found)
            and found.is_open
            and found.type not in proof.NEEDS_NO_PROOF
            and request.user.has_perm("dsar.change_subjectrequest")
        )

    def has_check_identity_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        passes_on_first = self.has_forward_permission(request, object_id)  # type: ignore[attr-defined]
        waits = self._waits_for_proof(request, object_id) and found.state in (State.RECEIVED, State.IDENTITY)
        return waits and not passes_on_first

    def has_prove_permission(self, request, object_id=None) -> bool:
        return self._waits_for_proof(request, object_id)

    def has_enter_code_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return self._waits_for_proof(request, object_id) and found.state == State.IDENTITY

    def has_ask_record_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return self._waits_for_proof(request, object_id) and bool(found.person)

    @action(
        description="Check identity",
        permissions=["check_identity"],
        variant=ActionVariant.PRIMARY,
        icon="verified_user",
        dialog={
            "title": "Make sure who asks",
            "description": "A code goes to each address and number you choose; each proves itself alone. "
            "The legal clock stands still where the law lets it. No copy of a document is needed.",
            "form_class": AskForm,
            "form_submit_text": "Send the codes",
        },
    )
    def check_identity(self, request, form, object_id):
        run_or_say(
            request,
            lambda: proof.ask_for_identity(
                object_id, form.cleaned_data["wanted"], user=request.user, now=timezone.now()
            ),
            "The codes are on their way.",
            proof.UnableToCheck,
            UnableToMove,
        )
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Enter a code",
        permissions=["enter_code"],
        icon="pin",
        dialog={
            "title": "Enter the code that the person reads to you",
            "description": "It proves only the address or number it was sent to.",
            "form_class": CodeForm,
            "form_submit_text": "Enter",
        },
    )
    def enter_code(self, request, form, object_id):
        data = form.cleaned_data
        run_or_say(
            request,
            lambda: codes.enter_code(data["identifier"].pk, data["code"], user=request.user, now=timezone.now()),
            "The code is right.",
            codes.CodeRefused,
        )
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Ask the record",
        permissions=["ask_record"],
        icon="quiz",
        dialog={
            "title": "Hold answers against the record",
            "description": "Type what the person says. One wrong answer is one too many; there are three rounds. "
            "It proves the account, never a telephone number.",
            "form_class": QuestionsForm,
            "form_submit_text": "Compare",
        },
    )
    def ask_record(self, request, form, object_id):
        def ask() -> None:
            if not ask_the_record(object_id, form.said(), user=request.user, now=timezone.now()):
                raise proof.UnableToCheck("The answers do not match the record.")

        run_or_say(request, ask, "The answers match: the account is proved.", proof.UnableToCheck)
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Proved otherwise",
        permissions=["prove"],
        icon="handshake",
        dialog={
            "title": "You have made sure yourself",
            "description": "Your name stands in the trail beside it.",
            "form_class": OtherProofForm,
            "form_submit_text": "Record the proof",
        },
    )
    def prove_otherwise(self, request, form, object_id):
        kind, value = form.cleaned_data["identifier"]
        run_or_say(
            request,
            lambda: proof.prove(
                object_id, kind, value, form.cleaned_data["proof"], user=request.user, now=timezone.now()
            ),
            "The proof was recorded.",
            proof.UnableToCheck,
        )
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Agent",
        permissions=["prove"],
        icon="supervisor_account",
        dialog={
            "title": "Somebody asks for the person",
            "description": "The person confirms it with a code of their own.",
            "form_class": AgentForm,
            "form_submit_text": "Record the agent",
        },
    )
    def name_agent(self, request, form, object_id):
        run_or_say(
            request,
            lambda: proof.name_agent(object_id, **form.cleaned(), user=request.user, now=timezone.now()),
            "The agent was recorded.",
        )
        return back_to(self, object_id)  # type: ignore[arg-type]
