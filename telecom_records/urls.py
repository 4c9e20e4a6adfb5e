from django.urls import path

from telecom_records import views

app_name = "calls"
urlpatterns = [
    path("import/", views.upload, name="upload"),
    path("imports/<uuid:run_id>/progress/", views.progress, name="progress"),
]
