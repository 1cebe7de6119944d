"""Pages of a paper as pictures: for phones, for the preview, kept once made."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pypdfium2
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

if TYPE_CHECKING:
    from documents.models import Document

SCALE = 1.6  # 72 dots an inch become 115: an A4 page of 950 pixels
MOST_PIXELS = 2000  # on the longer side, whatever page size a template asks for
# PDFium keeps global state: two threads in it at once end the process.
one_at_a_time = threading.Lock()


def picture_of(pdf: bytes, number: int) -> bytes:
    """WebP of one page (from 1)."""
    with one_at_a_time:
        opened = pypdfium2.PdfDocument(pdf)
        try:
            page = opened[number - 1]
            scale = min(SCALE, MOST_PIXELS / max(page.get_size()))
            image = page.render(scale=scale).to_pil().convert("RGB")
        finally:
            opened.close()
    out = io.BytesIO()
    image.save(out, "WEBP", quality=78, method=2)
    return out.getvalue()


def page_picture(document: Document, number: int) -> bytes:
    place = f"{document.file.name}.{number}.webp"
    if default_storage.exists(place):
        with default_storage.open(place, "rb") as kept:
            return bytes(kept.read())
    with document.file.open("rb") as pdf:
        picture = picture_of(pdf.read(), number)
    default_storage.save(place, ContentFile(picture))
    return picture
