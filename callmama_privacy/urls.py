from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from callmama_privacy.views import health, held_of_workspace, schedule_health
from dsar.download_views import download
from retention.evidence_views import public_key

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", health, name="health"),
    path("healthz/schedule", schedule_health, name="schedule_health"),
    path("evidence-key.txt", public_key, name="evidence-key"),
    path("upstream/", include("retention.upstream.urls")),
    path("identity/", include("dsar.identity.urls")),
    path("feeds/", include("accounts.feeds.urls")),
    path("download/<str:token>/", download, name="download"),
    path("intake/", include("dsar.intake.urls")),
    path("admin/retention/", include("retention.urls")),
    path("admin/packages/", include("dsar.packages.urls")),
    path("admin/rights/", include("dsar.rights.urls")),
    path("admin/marketing/", include("dsar.marketing.urls")),
    path("admin/california/", include("dsar.california.urls")),
    path("admin/workspaces/<uuid:workspace_id>/held/", held_of_workspace, name="held_of_workspace"),
    path("admin/calls/", include("telecom_records.urls")),
    path("admin/", admin.site.urls),
]
