"""Key epochs: which keys wrap the keys of customers, how many need them, and when they go."""

from django.contrib import admin, messages
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import approvals, epochs
from accounts.models import KeyEpoch
from accounts.portal_admin import ReadOnlyAdmin, back_to, run_or_say
from accounts.tasks import wrap_keys_anew
from accounts.workers import NOBODY_THERE, call_worker

STATES = {"Current": "success", "Kept": "info", "Will be destroyed": "warning", "Destroyed": ""}


@admin.register(KeyEpoch)
class KeyEpochAdmin(ReadOnlyAdmin):
    empty_title = "No epoch yet"
    empty_text = "The first one begins with the first file that is stored; then one begins every 30 days by itself."
    list_display = ["number", "state_badge", "began_at", "ended_at", "keys", "retires", "usable"]
    ordering = ["-number"]
    fields = [
        ("number", "state_badge", "usable"),
        ("began_at", "ended_at"),
        ("keys", "retires"),
        ("destroy_after", "destroyed_at"),
        "next_step",
    ]
    readonly_fields = ["state_badge", "usable", "keys", "retires", "next_step"]
    actions_list = ["rotate"]
    actions_detail = ["prune", "keep"]

    def get_queryset(self, request):
        return epochs.with_keys()

    @display(description="state", ordering="state", label=STATES)
    def state_badge(self, epoch: KeyEpoch) -> str:
        return epoch.get_state_display()

    @display(description="keys that need it")
    def keys(self, epoch) -> str:
        return f"{epoch.keys:,}"

    @display(description="opens nothing after")
    def retires(self, epoch: KeyEpoch) -> str:
        return f"{timezone.localtime(epochs.retires_at(epoch)):%-d %b %Y}"

    @display(description="its key", label={"Works": "success", "Missing": "danger", "Gone": ""})
    def usable(self, epoch: KeyEpoch) -> str:
        if epochs.opens(epoch):
            return "Works"
        return "Gone" if epoch.state == KeyEpoch.State.DESTROYED else "Missing"

    @display(description="what is next")
    def next_step(self, epoch: KeyEpoch) -> str:
        if epoch.state == KeyEpoch.State.CURRENT:
            return "It wraps every new key, until the next epoch begins."
        if epoch.state == KeyEpoch.State.PENDING:
            return "Its key is destroyed after the date above. Until then any officer can keep it."
        if epoch.state == KeyEpoch.State.DESTROYED:
            return "Nothing: copies of the key store from its time open no more."
        return epochs.why_not_prune(epoch) or "Two officers can have its key destroyed."

    def _epoch(self, request, object_id, state: str) -> bool:
        epoch = self.get_object(request, object_id)
        return bool(epoch) and epoch.state == state and request.user.has_perm("accounts.prune_keyepoch")

    def has_rotate_permission(self, request) -> bool:
        return request.user.has_perm("accounts.rotate_keyepoch")

    def has_prune_permission(self, request, object_id=None) -> bool:
        return self._epoch(request, object_id, KeyEpoch.State.KEPT)

    def has_keep_permission(self, request, object_id=None) -> bool:
        return self._epoch(request, object_id, KeyEpoch.State.PENDING)

    @action(
        description="Begin a new epoch",
        permissions=["rotate"],
        variant=ActionVariant.PRIMARY,
        icon="autorenew",
        dialog={
            "title": "Begin a new epoch now",
            "description": "All keys are wrapped anew within minutes. Files stay as they are, and nobody notices. Do it when "
            "a copy of the key store may have got away.",
            "form_submit_text": "Begin",
        },
    )
    def rotate(self, request, form):
        made = epochs.rotate(now=timezone.now(), user=request.user)
        if call_worker(wrap_keys_anew):
            messages.success(request, f"{made} began. Keys are being wrapped anew.")
        else:
            messages.warning(request, f"{made} began. {NOBODY_THERE} The keys are wrapped anew when they can be.")
        return back_to(self)

    @action(
        description="Destroy its key",
        permissions=["prune"],
        variant=ActionVariant.DANGER,
        icon="delete_forever",
        dialog={
            "title": "Ask for the destruction of this epoch's key",
            "description": "A second officer must agree; then seven days pass. Backups of the key store from its time open "
            "nothing after that. It is refused while any key needs it.",
            "form_submit_text": "Ask",
        },
    )
    def prune(self, request, form, object_id):
        run_or_say(
            request,
            lambda: epochs.ask_to_prune(KeyEpoch.objects.get(pk=object_id), user=request.user, now=timezone.now()),
            "Asked. A second officer must agree, under Approvals.",
            approvals.UnableToApprove,
        )
        return back_to(self, object_id)

    @action(
        description="Keep it",
        permissions=["keep"],
        icon="undo",
        dialog={
            "title": "Keep this epoch's key",
            "description": "It is not destroyed. To destroy it, two officers must agree again.",
            "form_submit_text": "Keep",
        },
    )
    def keep(self, request, form, object_id):
        run_or_say(request, lambda: epochs.keep(object_id, user=request.user), "It is kept.", epochs.UnableToPrune)
        return back_to(self, object_id)
