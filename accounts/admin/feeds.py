"""Feeds: when each was last heard, what came of its messages, and its secret, which is shown once."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import approvals, evidence
from accounts.feeds import signing
from accounts.feeds.approved_actions import RESTART_FEED, RETIRE_FEED
from accounts.models import Feed, FeedDelivery
from accounts.models.feeds import Kind
from accounts.portal_admin import PortalAdmin, ReadOnlyAdmin, back_to, run_or_say

STATE_TONES = {"Heard in time": "success", "Late": "danger", "Never heard": "danger", "Retired": ""}


class FeedForm(forms.ModelForm):
    carries = forms.MultipleChoiceField(choices=Kind.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)

    class Meta:
        model = Feed
        fields = ["name", "carries", "expected_minutes", "date_zone", "date_hour"]


@admin.register(Feed)
class FeedAdmin(PortalAdmin):
    empty_title = "No feed yet"
    empty_text = (
        "A feed is a signed address to which another system sends renewals, cancellations and customers. A "
        "security administrator makes it."
    )
    add_words = "Add a feed"
    form = FeedForm
    list_display = ["name", "carried", "state_badge", "heard_at", "as_of", "sequence", "last_refusal"]
    ordering = ["retired_at", "name"]
    fields = ["name", "carries", "expected_minutes", ("date_zone", "date_hour")]
    fixed_after_add = ("name",)
    actions_detail = ["new_secret", "ask_to_restart", "ask_to_retire"]
    change_form_outer_before_template = "accounts/feed_summary.html"
    list_before_template = "accounts/feeds_intro.html"

    def has_change_permission(self, request, obj=None):
        if isinstance(obj, Feed) and obj.retired_at:
            return False
        return super().has_change_permission(request, obj)

    @display(description="carries")
    def carried(self, feed: Feed) -> str:
        return ", ".join(feed.carries)

    @display(description="state", label=STATE_TONES)
    def state_badge(self, feed: Feed) -> str:
        return state_of(feed)

    @display(description="last refusal")
    def last_refusal(self, feed: Feed):
        last = feed.deliveries.order_by("-pk").first()
        return last.received_at if last and last.state == FeedDelivery.State.REFUSED else None

    def save_model(self, request, obj, form, change):
        if not change:
            obj.created_by, obj.created_at = request.user, timezone.now()
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            evidence.append_entry(
                "FEED_CHANGED" if change else "FEED_MADE",
                subject=str(obj.pk),
                body={"carries": obj.carries, "minutes": obj.expected_minutes, "by": request.user.pk},
            )
        if not change:
            messages.warning(
                request, "It has never been heard: what it dates does not expire until its first message is taken."
            )

    def change_view(self, request, object_id, form_url="", extra_context=None):
        feed = self.get_object(request, object_id)
        context = {}
        if feed:
            context = {
                "feed": feed,
                "feed_state": state_of(feed),
                "feed_tone": STATE_TONES[state_of(feed)],
                "deliveries": feed.deliveries.order_by("-pk")[:10],
                "address": request.build_absolute_uri(reverse("feeds:receive", args=[feed.name])),
            }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def get_urls(self):
        own = path("<int:feed_id>/secret/", self.admin_site.admin_view(self.secret_view), name="accounts_feed_secret")
        return [own, *super().get_urls()]

    def secret_view(self, request, feed_id: int):
        """Ask, and after a POST make a new secret and show it once, in this answer and nowhere else."""
        feed = get_object_or_404(Feed, pk=feed_id, retired_at__isnull=True)
        if not request.user.has_perm("accounts.rotate_feed"):
            raise PermissionDenied
        secret = signing.make_secret(feed.pk, user=request.user, now=timezone.now()) if request.method == "POST" else ""
        context = {
            **self.admin_site.each_context(request),
            "title": f"Secret of {feed.name}",
            "sender": feed,
            "secret": secret,
            "back": reverse("admin:accounts_feed_change", args=[feed.pk]),
            "without": f"Until the sender has the new one, its messages are refused, and after {feed.expected_minutes} minutes "
            "the feed is late.",
        }
        response = render(request, "accounts/sender_secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def _in_use(self, request, object_id, permission: str) -> bool:
        feed = self.get_object(request, object_id)
        return bool(feed) and feed.retired_at is None and request.user.has_perm(permission)

    def has_rotate_permission(self, request, object_id=None) -> bool:
        return self._in_use(request, object_id, "accounts.rotate_feed")

    def has_retire_permission(self, request, object_id=None) -> bool:
        return self._in_use(request, object_id, "accounts.retire_feed")

    @action(description="Make a secret", permissions=["rotate"], variant=ActionVariant.PRIMARY, icon="key", url_path="go-to-secret")  # fmt: skip
    def new_secret(self, request, object_id):
        return redirect(reverse("admin:accounts_feed_secret", args=[object_id]))

    @action(
        description="Restart its count",
        permissions=["retire"],
        icon="restart_alt",
        dialog={
            "title": "Ask a second officer to let the count begin anew",
            "description": "The next message may have any number. If one was lost between, the portal does not notice: "
            "make sure that the sender tells everything anew.",
            "form_submit_text": "Ask to restart",
        },
    )
    def ask_to_restart(self, request, form, object_id):
        return self._ask(request, object_id, RESTART_FEED, "Let the count of feed {} begin anew")

    @action(
        description="Retire",
        permissions=["retire"],
        variant=ActionVariant.DANGER,
        icon="link_off",
        dialog={
            "title": "Ask a second officer to retire this feed",
            "description": "Nothing waits for it any more: what its renewals kept expires by the dates that are known "
            "now. Its secret is destroyed.",
            "form_submit_text": "Ask to retire",
        },
    )
    def ask_to_retire(self, request, form, object_id):
        return self._ask(request, object_id, RETIRE_FEED, "Retire feed {}: expiry no longer waits for it")

    def _ask(self, request, object_id, code: str, words: str):
        feed = self.get_object(request, object_id)
        run_or_say(
            request,
            lambda: approvals.ask(
                code, target=str(feed.pk), summary=words.format(feed.name), user=request.user, now=timezone.now()
            ),
            "Asked. Another officer now finds it under Approvals.",
            approvals.UnableToApprove,
        )
        return back_to(self, object_id)


@admin.register(FeedDelivery)
class FeedDeliveryAdmin(ReadOnlyAdmin):
    empty_title = "No messages yet"
    empty_text = "Each message that a feed has sent stands here with what became of it."
    list_display = ["received_at", "feed", "state_badge", "sequence", "items", "new", "changed", "unchanged", "ignored"]
    list_filter = [("state", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["feed"]
    search_fields = ["feed__name__exact"]
    search_help_text = "The name of a feed"
    ordering = ["-pk"]
    fields = [
        ("feed", "received_at"), ("state", "problem"), ("sequence", "as_of"), ("items", "new", "changed"),
        ("unchanged", "ignored"), "at_fault",
    ]  # fmt: skip
    readonly_fields = ["at_fault"]

    @display(
        description="state", ordering="state", label={"Taken": "success", "Refused": "danger", "Being taken": "info"}
    )
    def state_badge(self, delivery: FeedDelivery) -> str:
        return delivery.get_state_display()

    @display(description="items at fault", empty_value="none")
    def at_fault(self, delivery: FeedDelivery) -> str:
        return ", ".join(" ".join(filter(None, (fault["item"], fault["field"]))) for fault in delivery.faults)


def state_of(feed: Feed) -> str:
    """Return in words whether the feed is heard."""
    if feed.retired_at:
        return "Retired"
    if feed.as_of is None:
        return "Never heard"
    return "Late" if feed.is_late(timezone.now()) else "Heard in time"
