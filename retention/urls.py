from django.urls import path, re_path

from retention import evidence_views, record_page, restore_views, review_pages, rule_pages, views

app_name = "retention"
urlpatterns = [
    path("restore/", restore_views.page, name="restore"),
    path("restore/replay/", restore_views.replay, name="replay"),
    path("restore/unseal/", restore_views.ask_to_unseal, name="unseal"),
    path("console/", views.console, name="console"),
    path("console/running/", views.running, name="running"),
    path("due/", views.due, name="due"),
    path("conformance/", views.conformance_page, name="conformance"),
    path("rules/<slug:key>/period/", rule_pages.change_period, name="change_period"),
    path("rules/periods/<int:version_id>/cancel/", rule_pages.cancel_version, name="cancel_version"),
    re_path(r"^record/(?P<label>[a-z_]+\.[A-Za-z]+)/(?P<pk>[^/]+)/$", record_page.record, name="record"),
    path("reviews/", review_pages.review_list, name="reviews"),
    path("reviews/<slug:key>/", review_pages.review, name="review"),
    path("schedule/", rule_pages.retention_schedule, name="retention_schedule"),
    re_path(r"^schedule\.(?P<format>csv|json)$", rule_pages.retention_schedule_file, name="retention_schedule_file"),
    path("deletions/<uuid:job_id>/progress/", views.progress, name="progress"),
    path("deletions/<uuid:job_id>/certificate/", evidence_views.certificate, name="certificate"),
    path("deletions/<uuid:job_id>/certificate.json", evidence_views.certificate_json, name="certificate-json"),
    path("evidence/", evidence_views.state, name="evidence"),
    path("evidence/verify/", evidence_views.verify, name="evidence-verify"),
    path("evidence/bundle.json", evidence_views.take_bundle, name="evidence-bundle"),
    path("evidence/checkpoint.txt", evidence_views.take_checkpoint, name="evidence-checkpoint"),
    path("evidence/verify_evidence.py", evidence_views.verifier, name="evidence-verifier"),
]
