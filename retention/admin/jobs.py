"""Deletions: what runs, what is held or stopped, and the receipts of what went."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.portal_admin import ReadOnlyAdmin, back_to, run_or_say
from retention import jobs, runs
from retention.models import DeletionJob
from retention.rules import promise_of, what_of
from retention.run_forms import KeepForm
from retention.views import job_context

State = DeletionJob.State
TONES = {
    "Waiting for a worker": "info",
    "Deleting": "info",
    "Done": "success",
    "Held": "warning",
    "Paused by an officer": "warning",
    "Stopped: needs a decision": "danger",
}


@admin.register(DeletionJob)
class DeletionJobAdmin(ReadOnlyAdmin):
    empty_title = "Nothing deleted yet"
    empty_text = (
        "What comes due is deleted by itself; each deletion stands here with its progress and, when it is "
        "over, its certificate."
    )
    list_display = ["deletion", "what", "rule_title", "state_badge", "due_at", "rows", "done_at"]
    list_filter = [("state", ChoicesDropdownFilter), ("done_at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_select_related = ["workspace", "rule"]
    search_fields = ["workspace__outside_id__exact", "pk__exact"]
    search_help_text = "Account number"
    ordering = ["-created_at", "pk"]
    fields = ()
    change_form_outer_before_template = "retention/job.html"
    actions_detail = ["pause", "resume", "retry", "keep"]

    def get_fieldsets(self, request, obj=None):
        return []

    def change_view(self, request, object_id, form_url="", extra_context=None):
        job = self.get_object(request, object_id)
        context = job_context(job) if job else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="deletion")
    def deletion(self, job: DeletionJob) -> str:
        return job.reference

    @display(description="of")
    def what(self, job: DeletionJob) -> str:
        return what_of(job)

    @display(description="rule")
    def rule_title(self, job: DeletionJob) -> str:
        return promise_of(job.rule).title

    @display(description="state", ordering="state", label=TONES)
    def state_badge(self, job: DeletionJob) -> str:
        return job.get_state_display()

    @display(description="rows")
    def rows(self, job: DeletionJob) -> str:
        return f"{job.rows_destroyed:,} of {job.rows_planned:,}" if job.planned else "–"

    def has_pause_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, State.PENDING, State.RUNNING)

    def has_resume_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, State.PAUSED)

    def has_keep_permission(self, request, object_id=None) -> bool:
        job = self.get_object(request, object_id)
        return (
            bool(job)
            and bool(job.workspace_id)
            and job.intent_sequence is None
            and self._may(request, object_id, State.PENDING, State.PAUSED, State.HELD, State.QUARANTINED)
        )

    def _may(self, request, object_id, *states: str) -> bool:
        job = self.get_object(request, object_id)
        return bool(job) and job.state in states and request.user.has_perm("retention.decide_job")

    @action(
        description="Pause",
        permissions=["pause"],
        icon="pause",
        dialog={
            "title": "Pause this deletion",
            "description": "It stops at the end of its batch, or does not begin. What has gone is gone, and nothing of it is "
            "shown meanwhile. Any officer can let it go on.",
            "form_submit_text": "Pause",
        },
    )
    def pause(self, request, form, object_id):
        job = DeletionJob.objects.get(pk=object_id)
        run_or_say(request, lambda: jobs.pause(job, user=request.user), "It is paused.", jobs.UnableToMove)
        return back_to(self, object_id)

    @action(
        description="Go on",
        permissions=["resume"],
        variant=ActionVariant.PRIMARY,
        icon="play_arrow",
        dialog={
            "title": "Let this deletion go on",
            "description": "It goes on where it was paused, and is done within two minutes unless it is very large.",
            "form_submit_text": "Go on",
        },
    )
    def resume(self, request, form, object_id):
        job = DeletionJob.objects.get(pk=object_id)
        run_or_say(request, lambda: jobs.resume(job, user=request.user), "It goes on.", jobs.UnableToMove)
        return back_to(self, object_id)

    @action(
        description="It was wrong",
        permissions=["keep"],
        variant=ActionVariant.DANGER,
        icon="undo",
        dialog={
            "title": "Call this deletion off",
            "description": "Nothing of it has gone. The workspace is shown again, and is not due until its dates are changed "
            "or two officers say that they were right.",
            "form_class": KeepForm,
            "form_submit_text": "Call it off",
        },
    )
    def keep(self, request, form, object_id):
        run_or_say(
            request,
            lambda: runs.call_off_one(object_id, reason=form.cleaned_data["reason"], user=request.user),
            "Called off. The workspace is shown again.",
            runs.UnableToDecide,
        )
        return back_to(self, object_id)

    def has_retry_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, State.QUARANTINED)

    @action(
        description="Try again",
        permissions=["retry"],
        variant=ActionVariant.PRIMARY,
        icon="replay",
        dialog={
            "title": "Let this deletion go on",
            "description": "It goes on where it stopped. If the cause is still there, it stops again and says so.",
            "form_submit_text": "Try again",
        },
    )
    def retry(self, request, form, object_id):
        job = DeletionJob.objects.get(pk=object_id)
        run_or_say(request, lambda: jobs.retry(job, user=request.user), "It goes on.", jobs.UnableToMove)
        return back_to(self, object_id)
