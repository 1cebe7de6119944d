"""A personal API token from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.api.models import SCOPES, ApiToken
from crm.people.models import User


class Command(BaseCommand):
    help = "Make an API token for a person; its text is printed once and stored nowhere."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="command line")
        parser.add_argument("--scopes", default=",".join(SCOPES), help=f"of {', '.join(SCOPES)}; all by default")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"], is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody active has the e-mail {options['email']}.")
        try:
            _row, text = ApiToken.make(user, options["name"], [s for s in options["scopes"].split(",") if s])
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text)
