"""The pages on which one thing is done to all requests of a list."""

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone

from dsar import bulk
from dsar.bulk_forms import BulkForm
from dsar.models import BulkAction

RECENT = 10


class BulkPages:
    """Adds the pages to the admin of requests."""

    def get_urls(self):
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("bulk/", wrap(self.bulk_view), name="dsar_bulk"),
            path("bulk/<uuid:action_id>/", wrap(self.bulk_progress_view), name="dsar_bulk_progress"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def bulk_view(self, request):
        """Choose what is done to the open requests of the list from which the officer came; the address has its filter."""
        if not request.user.has_perm("dsar.change_subjectrequest"):
            raise PermissionDenied
        chosen = self.get_changelist_instance(request).get_queryset(request).filter(closed_at__isnull=True)  # type: ignore[attr-defined]
        form = BulkForm(request.POST or None, may_write=request.user.has_perm("dsar.send_letter"))
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                action = bulk.start(data["kind"], chosen, target=data["target"], user=request.user, now=timezone.now())
            except bulk.UnableToStart as error:
                form.add_error(None, str(error))
            else:
                return redirect("admin:dsar_bulk_progress", action.pk)
        recent = BulkAction.objects.select_related("target", "asked_by").order_by("-asked_at", "pk")[:RECENT]
        context = {
            **self._page(request, "For all of the list"), "form": form, "count": chosen.order_by().count(), "most": bulk.MOST,
            "recent": [(action, bulk.counts(action)) for action in recent],
        }  # fmt: skip
        return render(request, "dsar/bulk.html", context, status=400 if form.errors else 200)

    def bulk_progress_view(self, request, action_id):
        """Show how far it is, and what came of each request; the part that changes alone when it is asked for again."""
        if not request.user.has_perm("dsar.change_subjectrequest"):
            raise PermissionDenied
        action = get_object_or_404(BulkAction.objects.select_related("target", "asked_by"), pk=action_id)
        items = action.items.select_related("request").order_by("state", "pk")
        if request.GET.get("only") == "failed":
            items = items.filter(state="failed")
        context = {
            **self._page(request, action.get_kind_display()), "action": action, "counts": bulk.counts(action),
            "items": Paginator(items, 50).get_page(request.GET.get("page")), "only": request.GET.get("only", ""),
        }  # fmt: skip
        part = request.headers.get("HX-Request") == "true"
        return render(request, "dsar/_bulk_progress.html" if part else "dsar/bulk_progress.html", context)

    def _page(self, request, title: str):
        listed = {"title": "Requests", "href": reverse("admin:dsar_subjectrequest_changelist")}
        return {**self.admin_site.each_context(request), "title": title, "breadcrumbs": [listed]}  # type: ignore[attr-defined]
