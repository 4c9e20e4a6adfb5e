from django.urls import path

from dsar.marketing import views

app_name = "marketing"
urlpatterns = [
    path("", views.page, name="page"),
    path("check/", views.check, name="check"),
    path("list/", views.take_list, name="take_list"),
]
