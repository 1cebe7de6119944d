"""Files that people send: how large they may be."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.translation import gettext as _


class SizeLimit(FileUploadHandler):
    """First in line. Raises RequestDataTooBig (400, in words) by the announced length, and again while reading."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.read = 0

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *args: Any, **kwargs: Any) -> None:
        self._check(content_length)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.read += len(raw_data)
        self._check(self.read)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    def _check(self, size: int) -> None:
        if size > settings.UPLOAD_MAX_BYTES:
            most = settings.UPLOAD_MAX_BYTES // (1024 * 1024)
            raise RequestDataTooBig(_("The file is larger than %d MB.") % most)
