"""What `make run` does before it starts, in one process: migrations, the demo, static files; then it says what to try."""

import hashlib
import io
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from crm.company.models import OwnCompany
from crm.demo.company import PASSWORD
from crm.people.models import User


class Command(BaseCommand):
    help = "Bring database, demo and static files up to date; print the address, two logins and what to try."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        call_command("demo", stdout=io.StringIO())
        self._static_files()
        own = OwnCompany.first()
        # Another host name than ours, as a shop's page has one.
        port = urlsplit(settings.PUBLIC_URL).port or options["bind"].rpartition(":")[2]
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

    def _static_files(self) -> None:
        """Collected again only when one of ours changed: hashing and compressing takes seconds."""
        files = sorted(Path(settings.BASE_DIR, "static").rglob("*"))
        marks = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files if path.is_file()]
        key = hashlib.sha256("\n".join([django.__version__, *marks]).encode()).hexdigest()
        known = Path(settings.STATIC_ROOT) / ".key"
        if not known.exists() or known.read_text() != key:
            call_command("collectstatic", interactive=False, verbosity=0)
            known.write_text(key)
