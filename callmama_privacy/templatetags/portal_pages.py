"""Parts of pages that span apps."""

from django import template
from django.utils import timezone

from callmama_privacy import person_page, workspace_page

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
