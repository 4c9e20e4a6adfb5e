from django.apps import AppConfig
from django.core import checks


class DsarConfig(AppConfig):
    name = "dsar"
    verbose_name = "Requests"

    def ready(self):
        from accounts import approvals, corrected
        from dsar import corrections, downloads, marketing, queue, reminders, routing  # noqa: F401
        from dsar.identity import codes, waiting  # noqa: F401  (what they register: steps and guards)
        from dsar.letters import guards  # noqa: F401
        from dsar.packages.answers import answer_of
        from dsar.packages.categories import check_categories
        from dsar.rights import (  # noqa: F401  (the rights that they register)
            california,
            childs_data,
            consent,
            correction,
            erasure,
            objection,
            opt_outs,
            restriction,
        )
        from dsar.rights.decisions import ACTION
        from dsar.tickets import workspace_of_open
        from retention import impact, reviews
        from telecom_records.models import numbers
        from telecom_records.recordings import tickets

        checks.register(check_categories)
        approvals.register(ACTION)
        downloads.register_answer_file(answer_of)
        reviews.register_reason(queue.has_something_open)
        corrected.register(corrections.old_values)
        numbers.GIVEN.append(marketing.number_given)
        tickets.register(workspace_of_open)
        impact.register_open_requests(queue.count_open_of)
