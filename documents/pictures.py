"""Pages of a paper as pictures: for phones, for the preview, kept once made."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pypdfium2
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

if TYPE_CHECKING:
    from documents.models import Document

SCALE = 1.6  # 72 dots an inch become 115: an A4 page of 950 pixels


def picture_of(pdf: bytes, number: int) -> bytes:
    """WebP of one page (from 1)."""
    opened = pypdfium2.PdfDocument(pdf)
    try:
        image = opened[number - 1].render(scale=SCALE).to_pil()
    finally:
        opened.close()
    out = io.BytesIO()
    image.convert("RGB").save(out, "WEBP", quality=78, method=2)
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
