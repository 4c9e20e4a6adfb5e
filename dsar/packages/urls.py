from django.urls import path

from dsar.packages import views

app_name = "packages"
urlpatterns = [
    path("<uuid:request_id>/", views.page, name="page"),
    path("<uuid:request_id>/progress/", views.progress, name="progress"),
    path("<uuid:request_id>/summary/", views.summary, name="summary"),
    path("<uuid:request_id>/preview/", views.preview, name="preview"),
    path("<uuid:request_id>/make/", views.make, name="make"),
    path("<uuid:package_id>/retry/", views.retry, name="retry"),
    path("<uuid:package_id>/approve/", views.approve, name="approve"),
    path("<uuid:package_id>/drop/", views.drop, name="drop"),
    path("<uuid:package_id>/archive.zip", views.take, name="take"),
]
