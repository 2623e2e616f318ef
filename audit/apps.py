from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = _("audit log")

    def ready(self) -> None:
        from audit.commands import record_change
        from billingadmin.usage import source_changed

        source_changed.connect(record_change)
