from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RetentionConfig(AppConfig):
    name = "retention"
    verbose_name = "Retention"

    def ready(self):
        from retention import approved_actions, guard, rules

        approved_actions.register()
        post_migrate.connect(guard.install_guards, dispatch_uid="guards")
        post_migrate.connect(rules.make_rules, dispatch_uid="rules")
