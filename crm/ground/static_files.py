"""Static files by content hash; our own modules, which import each other, are rewritten too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.staticfiles.apps import StaticFilesConfig
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Collected(StaticFilesConfig):
    """What is gathered from installed apps: not the second documentation page that django-ninja brings (4 MB)."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc*"]


class StaticFiles(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True
    # Only ours: in vendored bundles the pattern meets text that merely looks like an import.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )

    def compress_files(self, paths: Iterable[str]) -> Iterator[Any]:
        """The API's documentation page is rarely opened; to compress its bundle took longer than all the rest."""
        yield from super().compress_files([path for path in paths if not path.startswith("ninja/")])
