from django.urls import path

from accounts.feeds import views

app_name = "feeds"
urlpatterns = [
    path("openapi.json", views.describe, name="describe"),
    path("<str:name>", views.receive, name="receive"),
]
