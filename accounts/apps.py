from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("people")

    def ready(self) -> None:
        from allauth.account import signals
        from allauth.mfa import signals as mfa

        from accounts import memberships, second_factor, sign_in

        memberships.group_roles()  # a role that nobody knows is told at once
        signals.user_logged_in.connect(sign_in.record_sign_in)
        for changed in (signals.password_changed, signals.password_set, signals.password_reset):
            changed.connect(sign_in.record_new_password)
        mfa.authenticator_added.connect(second_factor.record_added)
        mfa.authenticator_removed.connect(second_factor.record_removed)
        mfa.authenticator_reset.connect(second_factor.record_reset)
        mfa.authentication_failed.connect(second_factor.record_wrong)
