from django.apps import AppConfig
from django.core import checks


class TelecomRecordsConfig(AppConfig):
    name = "telecom_records"
    verbose_name = "Records"

    def ready(self):
        from accounts.after_migrating import after_migrating
        from accounts.feeds import taking
        from accounts.models.feeds import Kind
        from telecom_records import partitions, undo, watching
        from telecom_records.resources import NumberAssignmentResource

        undo.register()
        taking.register(Kind.ASSIGNMENTS, NumberAssignmentResource)
        checks.register(watching.check_settings)
        after_migrating(partitions.make_first_months)
