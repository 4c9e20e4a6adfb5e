from django.apps import AppConfig


class DsarConfig(AppConfig):
    name = "dsar"
    verbose_name = "Requests"

    def ready(self):
        from dsar import queue
        from retention import impact, reviews

        reviews.register_reason(queue.has_something_open)
        impact.register_open_requests(queue.count_open_of)
