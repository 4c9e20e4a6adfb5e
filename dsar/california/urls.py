from django.urls import path

from dsar.california import views

app_name = "california"
urlpatterns = [
    path("", views.page, name="page"),
    path("<int:year>/metrics.csv", views.metrics_csv, name="metrics"),
    path("<int:year>/register.csv", views.register_csv, name="register"),
]
