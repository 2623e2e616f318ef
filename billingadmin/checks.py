"""What ``manage.py check --deploy`` says about the house itself."""

from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register

from billingadmin.privileges import site_role


@register(Tags.security, deploy=True)
def the_site_is_not_the_owner(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    if site_role():
        return []
    return [
        Warning(
            "The site logs in as the owner of its tables.",
            hint="Set DATABASE_OWNER_URL to a login that is a member of the tables' owner, and let DATABASE_URL be "
            "another role. As it is, whoever gets hold of the site's connection can disable the triggers that keep "
            "the audit log and the adjustments from being changed; with two roles the database refuses it.",
            id="billingadmin.W001",
        )
    ]
