from django.urls import path

from retention.upstream import views

app_name = "upstream"
urlpatterns = [path("confirm/<uuid:notice_id>/", views.confirm, name="confirm")]
