from django.urls import path

from dsar.intake import views

app_name = "intake"
urlpatterns = [
    path("openapi.json", views.describe, name="describe"),
    path("<str:name>", views.receive, name="receive"),
]
