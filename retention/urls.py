from django.urls import path

from retention import views

app_name = "retention"
urlpatterns = [
    path("console/", views.console, name="console"),
    path("console/running/", views.running, name="running"),
    path("due/", views.due, name="due"),
    path("conformance/", views.conformance_page, name="conformance"),
    path("deletions/<uuid:job_id>/progress/", views.progress, name="progress"),
    path("deletions/<uuid:job_id>/receipt.json", views.receipt, name="receipt"),
]
