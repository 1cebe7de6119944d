"""Letters that the fonts of the server have, or lack: said before a paper takes its number."""

import pypdfium2
import pytest

from crm.messages import merge_text
from documents import making
from documents.glyphs import Coverage, fonts_are_there, missing, writable
from documents.models import Document

# Of the rarest Chinese letters; no usual font has it.
UNKNOWN = "\U00030000"


def test_ranges_of_several_fonts_are_one_coverage():
    known = Coverage("20-7e a0-17f\n100-24f 20ac\n")
    assert [one in known for one in "Aż€\u0250山"] == [True, True, True, False, False]
    assert not Coverage("")


def test_blanks_joiners_and_direction_marks_need_no_letter():
    assert missing("a\u00a0\u202f\u200d\u200e\ufe0f\u00ad") == []


def test_each_letter_that_lacks_is_named_once_and_in_its_order():
    assert missing(f"Ż{UNKNOWN}a{UNKNOWN}") == [UNKNOWN]
    with pytest.raises(merge_text.MergeError, match=UNKNOWN):
        writable(f"<p>Anna &#x30000;</p><p>{UNKNOWN}</p>")


def test_what_is_no_text_of_the_page_is_not_judged():
    page = f"<style>q::before {{ content: '{UNKNOWN}' }}</style><!-- {UNKNOWN} --><p title='{UNKNOWN}'>Anna</p>"
    assert writable(page) == page


def test_a_flower_in_a_name_stops_no_invoice():
    assert writable("<p>Anna \U0001f338 Nowak</p>") in ("<p>Anna  Nowak</p>", "<p>Anna \U0001f338 Nowak</p>")


def test_the_set_up_of_this_project_brings_the_fonts_that_papers_need():
    assert fonts_are_there(None) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["山田太郎", "김철수", "สมชาย ใจดี", "عميل جديد", "ישראל ישראלי", "Ωραία Ψυχή", "Юлія Їжак"]
)
def test_customers_of_all_scripts_stand_on_their_papers(world, papers, drain, name):
    world.contact.name = name
    world.contact.save()
    document = making.make(papers.templates["offer"], papers.deal, by=world.bob)
    drain()
    document.refresh_from_db()
    assert document.status == "ready", document.error
    with document.file.open() as file:
        opened = pypdfium2.PdfDocument(file.read())
    words = "".join(page.get_textpage().get_text_range() for page in opened)
    opened.close()
    assert set(name) - set(words) <= set(" ")


@pytest.mark.django_db
def test_a_letter_that_no_font_has_is_said_and_takes_no_number(world, papers, client):
    before = papers.templates["offer"].numerator.preview(papers.deal.created_at)
    world.contact.name = f"Lý {UNKNOWN}"
    world.contact.save()
    client.force_login(world.bob)
    answer = client.post(f"/items/{papers.deal.pk}/documents/", {"template": papers.templates["offer"].pk}, follow=True)
    assert f"lack these letters: {UNKNOWN}" in answer.content.decode()
    assert not Document.objects.exists()
    assert papers.templates["offer"].numerator.preview(papers.deal.created_at) == before
