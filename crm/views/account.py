"""Login and what belongs to the person."""

from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from crm.access import public, staff_of_ours

login = public(auth_views.LoginView.as_view(template_name="account/login.html", redirect_authenticated_user=True))
logout = public(auth_views.LogoutView.as_view())


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
