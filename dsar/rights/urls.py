from django.urls import path

from dsar.rights import views

app_name = "rights"
urlpatterns = [
    path("<uuid:request_id>/", views.summary, name="summary"),
    path("<uuid:request_id>/<slug:code>/", views.page, name="page"),
]
