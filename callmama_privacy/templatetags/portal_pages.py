"""Parts of pages that span apps."""

from django import template
from django.urls import reverse
from django.utils import timezone

from accounts.verdicts import Goes, data_map
from callmama_privacy import person_page, workspace_page
from retention.timeline import timeline

register = template.Library()


@register.inclusion_tag("accounts/_workspace_summary.html", takes_context=True)
def workspace_summary(context, workspace):
    """What is held of a workspace, when it goes and why."""
    user = context["request"].user
    return {**workspace_page.summary(workspace, user, now=timezone.now()), "perms": context["perms"]}


@register.inclusion_tag("accounts/_person_summary.html", takes_context=True)
def person_summary(context, person):
    """Where a person is a customer, until when, and what they have asked for."""
    user = context["request"].user
    return {**person_page.summary(person, user, now=timezone.now()), "perms": context["perms"]}


@register.inclusion_tag("retention/_fate.html")
def record_fate(row):
    """What happens to a record, in a sentence; nothing for records that no rule deletes."""
    entry = data_map().get(row._meta.label)
    if entry is None or (entry.goes is Goes.KEEP and not entry.ages):
        return {}
    story = timeline(entry, row, timezone.now())
    href = reverse("retention:record", args=[entry.model, row.pk])
    return {"sentence": story.sentence, "tone": story.tone, "href": href}
