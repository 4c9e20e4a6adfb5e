from django.urls import path

from telecom_records import figure_pages, mapping_pages, recording_pages, traffic_pages, views

app_name = "calls"
urlpatterns = [
    path("import/", views.upload, name="upload"),
    path("figures/", figure_pages.figures, name="figures"),
    path("figures.csv", figure_pages.figures_csv, name="figures_csv"),
    path("imports/<uuid:run_id>/columns/", mapping_pages.columns, name="columns"),
    path("sources/<int:source_id>/columns/", mapping_pages.sample, name="source_columns"),
    path("of-workspace/<uuid:workspace_id>/", traffic_pages.of_workspace, name="of_workspace"),
    path("of-number/<int:number_id>/", traffic_pages.of_number, name="of_number"),
    path("recordings/add/", recording_pages.add, name="add_recordings"),
    path("recordings/listen/", recording_pages.listen, name="listen"),
    path("recordings/<uuid:recording_id>/sound/", recording_pages.sound, name="sound"),
    path("recordings/waiting/<uuid:waiting_id>/place/", recording_pages.place, name="place_recording"),
    path("imports/<uuid:run_id>/progress/", views.progress, name="progress"),
]
