from django.apps import AppConfig


class TelecomRecordsConfig(AppConfig):
    name = "telecom_records"
    verbose_name = "Records"

    def ready(self):
        from accounts.feeds import taking
        from accounts.models.feeds import Kind
        from telecom_records import undo
        from telecom_records.resources import NumberAssignmentResource

        undo.register()
        taking.register(Kind.ASSIGNMENTS, NumberAssignmentResource)
