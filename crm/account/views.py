"""What belongs to the person: profile, sessions, the theme; how people come in is allauth's (crm/account/adapters.py)."""

from __future__ import annotations

from typing import Any

from allauth.account import views as account_views
from allauth.mfa.base import views as mfa_views
from allauth.mfa.recovery_codes import views as codes_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.webauthn import views as webauthn_views
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, re_path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.account.forms import ProfileForm
from crm.ground.access import public, staff_of_ours
from crm.notices.models.notifications import CHOICES
from crm.people.signed_in import signed_in


@staff_of_ours
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or the system's choice, so that the server renders it at once."""
    answer = HttpResponse(status=204)
    chosen = request.POST.get("theme", "")
    if chosen in ("light", "dark"):
        answer.set_cookie("theme", chosen, max_age=31536000, samesite="Lax", httponly=True)
    else:
        answer.delete_cookie("theme")
    return answer


@staff_of_ours
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, phone, language, time zone, absence; what others decide about a person is in the administration."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your profile is saved."))
        return redirect("account_profile")
    status = 422 if form.errors else 200
    return render(request, "account/profile.html", {"form": form, "tab": "profile"}, status=status)


@staff_of_ours
@require_http_methods(["GET", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """For each kind of notice: by bell, by mail, both or not at all; and the morning's mail."""
    user: Any = request.user
    if request.method == "POST":
        chosen = {how: set(request.POST.getlist(how)) for how in ("bell", "mail")}
        user.notices = {kind: {how: kind in kinds for how, kinds in chosen.items()} for kind in CHOICES}
        user.digest = request.POST.get("digest") == "1"
        user.save(update_fields=["notices", "digest"])
        messages.success(request, _("Saved."))
        return redirect("account_notices")
    rows = [
        {"key": kind, "label": label, "bell": user.hears(kind, "bell"), "mail": user.hears(kind, "mail")}
        for kind, label in CHOICES.items()
    ]
    return render(request, "account/notices.html", {"rows": rows, "tab": "notices"})


@staff_of_ours
@require_http_methods(["GET", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is logged in; one of them, or all others, can be ended."""
    found = UserSession.objects.purge_and_list(signed_in(request))
    if request.method == "POST":
        asked = request.POST.get("end", "")
        ended = [s for s in found if s.session_key != request.session.session_key and asked in ("others", str(s.pk))]
        for session in ended:
            session.end()
        messages.success(request, _("Logged out there.") if ended else _("No other session was open."))
        return redirect("account_sessions")
    rows: list[Any] = sorted(found, key=lambda session: session.created_at, reverse=True)
    for row in rows:
        row.own = row.session_key == request.session.session_key
        row.device = device(row.user_agent)
    return render(request, "account/sessions.html", {"sessions": rows, "tab": "sessions"})


BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
SPOKEN = {"Edg": "Edge", "OPR": "Opera", "Mac OS": "macOS"}


def device(agent: str) -> str:
    """Browser and system out of a user agent, well enough to know one's own machines apart."""
    words = [next((name for name in names if name in agent), "") for names in (BROWSERS, SYSTEMS)]
    return " · ".join(SPOKEN.get(word, word) for word in words if word) or agent[:60] or "?"


# Sign-up, several addresses and social log-ins are not ours, so only these addresses of allauth exist here.
urls = [
    path("login/", public(account_views.login), name="account_login"),
    path("logout/", public(account_views.logout), name="account_logout"),
    path("account/inactive/", public(account_views.account_inactive), name="account_inactive"),
    path("account/password/reset/", public(account_views.password_reset), name="account_reset_password"),
    path("account/password/reset/done/", public(account_views.password_reset_done), name="account_reset_password_done"),
    re_path(
        r"^account/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[-0-9A-Za-z]+)/$",
        public(account_views.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "account/password/reset/key/done/",
        public(account_views.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    path("account/two-step/login/", public(mfa_views.authenticate), name="mfa_authenticate"),
    path("account/keys/login/", public(webauthn_views.login_webauthn), name="mfa_login_webauthn"),
    path("account/", profile, name="account_profile"),
    path("account/notices/", notices, name="account_notices"),
    path("account/sessions/", sessions, name="account_sessions"),
    path("account/password/", staff_of_ours(account_views.password_change), name="account_change_password"),
    path("account/confirm/", staff_of_ours(account_views.reauthenticate), name="account_reauthenticate"),
    path("account/two-step/", staff_of_ours(mfa_views.index), name="mfa_index"),
    path("account/two-step/confirm/", staff_of_ours(mfa_views.reauthenticate), name="mfa_reauthenticate"),
    path("account/app/add/", staff_of_ours(totp_views.activate_totp), name="mfa_activate_totp"),
    path("account/app/remove/", staff_of_ours(totp_views.deactivate_totp), name="mfa_deactivate_totp"),
    path("account/codes/", staff_of_ours(codes_views.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("account/codes/new/", staff_of_ours(codes_views.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("account/codes/file/", staff_of_ours(codes_views.download_recovery_codes), name="mfa_download_recovery_codes"),
    path("account/keys/", staff_of_ours(webauthn_views.list_webauthn), name="mfa_list_webauthn"),
    path("account/keys/add/", staff_of_ours(webauthn_views.add_webauthn), name="mfa_add_webauthn"),
    path(
        "account/keys/confirm/",
        staff_of_ours(webauthn_views.reauthenticate_webauthn),
        name="mfa_reauthenticate_webauthn",
    ),
    path("account/keys/<int:pk>/remove/", staff_of_ours(webauthn_views.remove_webauthn), name="mfa_remove_webauthn"),
    path("account/keys/<int:pk>/edit/", staff_of_ours(webauthn_views.edit_webauthn), name="mfa_edit_webauthn"),
]
