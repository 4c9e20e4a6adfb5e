from django.urls import path

from dsar.identity import views

app_name = "identity"
urlpatterns = [
    path("signed-in/<slug:name>/", views.signed_in, name="signed_in"),
    path("<str:token>/", views.code, name="code"),
]
