"""Parts of pages that span apps."""

from django import template
from django.utils import timezone

from callmama_privacy.workspace_page import summary

register = template.Library()


@register.inclusion_tag("accounts/_workspace_summary.html", takes_context=True)
def workspace_summary(context, workspace):
    """What is held of a workspace, when it goes and why."""
    user = context["request"].user
    return {**summary(workspace, user, now=timezone.now()), "perms": context["perms"]}
