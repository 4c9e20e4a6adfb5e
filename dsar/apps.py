from django.apps import AppConfig
from django.core import checks


class DsarConfig(AppConfig):
    name = "dsar"
    verbose_name = "Requests"

    def ready(self):
        from dsar import downloads, queue, reminders, routing  # noqa: F401
        from dsar.identity import codes, waiting  # noqa: F401  (what they register: steps and guards)
        from dsar.letters import guards  # noqa: F401
        from dsar.packages.answers import answer_of
        from dsar.packages.categories import check_categories
        from retention import impact, reviews

        checks.register(check_categories)
        downloads.register_answer_file(answer_of)
        reviews.register_reason(queue.has_something_open)
        impact.register_open_requests(queue.count_open_of)
