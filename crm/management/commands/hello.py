"""What `make run` says before it starts: the address, two logins, what to try."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from crm.demo.company import PASSWORD
from crm.models import OwnCompany, User


class Command(BaseCommand):
    help = "Print the address, two logins and what to try."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000")

    def handle(self, *args: Any, **options: Any) -> None:
        own = OwnCompany.first()
        port = options["bind"].rpartition(":")[2]
        people = User.objects.filter(email__in=("anna@example.com", "celina@example.com")).order_by("email")
        logins = "\n".join(f"    {person.email:22} {PASSWORD}   ({person.name})" for person in people)
        shop = f"http://localhost:{port}/demo/shop/"
        self.stdout.write(
            f"""
  Dealwright · {own.name if own else ""}

  Open      {settings.PUBLIC_URL}/
  Log in
{logins}

  Try
    1. Open the shop's page, {shop}, and send its order form.
    2. See the deal arrive on the board by itself, and the SMS under Outbox.
    3. Drag the card to the third column and look at its Automation list.
    4. In another terminal: .venv/bin/python manage.py clock +2h   (a demo's clock can be moved)

  Ctrl-C stops everything.
"""
        )
