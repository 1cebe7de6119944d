from django.apps import AppConfig


class GuestConfig(AppConfig):
    name = "tests.guest"
    label = "guest"
