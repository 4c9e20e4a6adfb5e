from django.apps import AppConfig


class DsarConfig(AppConfig):
    name = "dsar"
    verbose_name = "Requests"

    def ready(self):
        from dsar import queue
        from retention import impact

        impact.register_open_requests(queue.count_open_of)
