"""The buttons on the page of a request that are about its clock, who is told, and what has failed."""

from django.utils import timezone
from unfold.decorators import action

from accounts.portal_admin import back_to, run_or_say
from dsar import dating, reminders, steps
from dsar.deadlines import UnableToComputeDeadline
from dsar.models import RequestStep
from dsar.request_forms import EventForm, WithdrawEventForm


class ClockActions:
    """Adds the buttons to the admin of requests."""

    clock_names = ("acknowledge", "record_event", "withdraw_event")

    def _may_change(self, request) -> bool:
        return request.user.has_perm("dsar.change_subjectrequest")

    def has_acknowledge_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return bool(found) and found.is_open and not found.acknowledged_at and self._may_change(request)

    def has_record_event_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return bool(found) and found.is_open and self._may_change(request)

    def has_withdraw_event_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return self.has_record_event_permission(request, object_id) and found.has_events

    def has_retry_steps_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return bool(found) and found.has_stopped and self._may_change(request)

    def has_watch_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return bool(found) and found.is_open and found.owner_id != request.user.pk and not found.is_watched

    def has_unwatch_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        return bool(found) and found.is_watched

    @action(
        description="Receipt confirmed",
        permissions=["acknowledge"],
        icon="mark_email_read",
        dialog={
            "title": "The person has been told that this arrived",
            "description": "Some laws ask for it within days: California within ten business days.",
            "form_submit_text": "Receipt confirmed",
        },
    )
    def acknowledge(self, request, form, object_id):
        run_or_say(
            request,
            lambda: dating.acknowledge(object_id, user=request.user, now=timezone.now()),
            "The confirmation was recorded.",
        )
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Record an event",
        permissions=["record_event"],
        icon="schedule",
        dialog={
            "title": "Record what moves the date",
            "description": "The dates are computed anew at once; the old ones are kept.",
            "form_class": EventForm,
            "form_submit_text": "Record",
        },
    )
    def record_event(self, request, form, object_id):
        data = form.cleaned_data
        run_or_say(
            request,
            lambda: dating.record_event(
                object_id, data["kind"], on=data["on"], until=data["until"], user=request.user, now=timezone.now()
            ),
            "Recorded. See below how the date comes about now.",
            dating.UnableToRecord,
            UnableToComputeDeadline,
        )
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Withdraw an entry",
        permissions=["withdraw_event"],
        icon="undo",
        dialog={
            "title": "Take a mistaken entry out of the calculation",
            "description": "It stays in the trail. The dates are computed anew without it.",
            "form_class": WithdrawEventForm,
            "form_submit_text": "Withdraw it",
        },
    )
    def withdraw_event(self, request, form, object_id):
        run_or_say(
            request,
            lambda: dating.withdraw_event(form.cleaned_data["event"].pk, user=request.user, now=timezone.now()),
            "Withdrawn.",
            dating.UnableToRecord,
            UnableToComputeDeadline,
        )
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Try again",
        permissions=["retry_steps"],
        icon="replay",
        dialog={
            "title": "Try again what has failed",
            "description": "What failed before stays in the trail.",
            "form_submit_text": "Try again",
        },
    )
    def retry_steps(self, request, form, object_id):
        def retry() -> None:
            for step in RequestStep.objects.filter(request=object_id, state=RequestStep.State.STOPPED):
                steps.retry_step(step.pk, user=request.user, now=timezone.now())

        run_or_say(request, retry, "It is tried again within a minute.", steps.UnableToRetry)
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Watch",
        permissions=["watch"],
        icon="visibility",
        dialog={
            "title": "Watch this request",
            "description": "You are told what its owner is told.",
            "form_submit_text": "Watch",
        },
    )
    def watch(self, request, form, object_id):
        run_or_say(
            request,
            lambda: reminders.watch(object_id, user=request.user, now=timezone.now()),
            "You watch this request.",
        )
        return back_to(self, object_id)  # type: ignore[arg-type]

    @action(
        description="Stop watching",
        permissions=["unwatch"],
        icon="visibility_off",
        dialog={"title": "Stop watching this request", "description": "", "form_submit_text": "Stop watching"},
    )
    def unwatch(self, request, form, object_id):
        run_or_say(
            request,
            lambda: reminders.unwatch(object_id, user=request.user, now=timezone.now()),
            "You no longer watch this request.",
        )
        return back_to(self, object_id)  # type: ignore[arg-type]
