"""Who may see the views that are not ours to mark: sign-in, second factors, sessions, choice of language.

A view that is neither marked nor named here is refused to everybody, so a package that brings a new one opens nothing.
"""

from collections.abc import Callable

NOBODY = ("nobody",)
PUBLIC = ("public",)
SIGNED_IN = ("signed_in",)

ACCOUNT = "allauth.account.views."
MFA = "allauth.mfa."

AUDIENCES: dict[str, tuple[str, ...]] = {
    "django.views.i18n.set_language": PUBLIC,
    "django.views.generic.base.RedirectView": PUBLIC,  # shows nothing: where it leads is guarded
    f"{ACCOUNT}LoginView": PUBLIC,
    f"{ACCOUNT}LogoutView": PUBLIC,
    f"{ACCOUNT}AccountInactiveView": PUBLIC,
    f"{ACCOUNT}PasswordResetView": PUBLIC,
    f"{ACCOUNT}PasswordResetDoneView": PUBLIC,
    f"{ACCOUNT}PasswordResetFromKeyView": PUBLIC,
    f"{ACCOUNT}PasswordResetFromKeyDoneView": PUBLIC,
    f"{ACCOUNT}ReauthenticateView": SIGNED_IN,
    f"{ACCOUNT}PasswordChangeView": SIGNED_IN,
    f"{ACCOUNT}PasswordSetView": SIGNED_IN,
    # People are admitted by two admins, who also write the e-mail address down.
    f"{ACCOUNT}SignupView": NOBODY,
    f"{ACCOUNT}EmailView": NOBODY,
    f"{ACCOUNT}email_verification_sent": NOBODY,
    f"{ACCOUNT}ConfirmEmailView": NOBODY,
    f"{ACCOUNT}ConfirmLoginCodeView": NOBODY,
    f"{MFA}base.views.AuthenticateView": PUBLIC,
    f"{MFA}webauthn.views.LoginWebAuthnView": PUBLIC,
    f"{MFA}base.views.IndexView": SIGNED_IN,
    f"{MFA}base.views.ReauthenticateView": SIGNED_IN,
    f"{MFA}totp.views.ActivateTOTPView": SIGNED_IN,
    f"{MFA}totp.views.DeactivateTOTPView": SIGNED_IN,
    f"{MFA}recovery_codes.views.ViewRecoveryCodesView": SIGNED_IN,
    f"{MFA}recovery_codes.views.GenerateRecoveryCodesView": SIGNED_IN,
    f"{MFA}recovery_codes.views.DownloadRecoveryCodesView": SIGNED_IN,
    f"{MFA}webauthn.views.ListWebAuthnView": SIGNED_IN,
    f"{MFA}webauthn.views.AddWebAuthnView": SIGNED_IN,
    f"{MFA}webauthn.views.ReauthenticateWebAuthnView": SIGNED_IN,
    f"{MFA}webauthn.views.RemoveWebAuthnView": SIGNED_IN,
    f"{MFA}webauthn.views.EditWebAuthnView": SIGNED_IN,
    "allauth.usersessions.views.ListUserSessionsView": SIGNED_IN,
    # Sign-in through an identity provider, when one is set.
    "allauth.socialaccount.providers.openid_connect.views.login": PUBLIC,
    "allauth.socialaccount.providers.openid_connect.views.callback": PUBLIC,
    "allauth.socialaccount.views.LoginCancelledView": PUBLIC,
    "allauth.socialaccount.views.LoginErrorView": PUBLIC,
    "allauth.socialaccount.views.SignupView": NOBODY,
    "allauth.socialaccount.views.ConnectionsView": NOBODY,
}


def borrowed_audience(view: Callable) -> tuple[str, ...] | None:
    made_from = getattr(view, "view_class", view)
    return AUDIENCES.get(f"{made_from.__module__}.{made_from.__qualname__}")
