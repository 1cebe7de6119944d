"""Numbers of papers: no gap, no double, whoever takes them and whatever fails."""

import threading
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, connections, transaction

from crm.ground import clock
from crm.messages import merge_text
from documents import making
from documents.models import Document, NumberCounter, Numerator

DECEMBER = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # in Warsaw it is January already


@pytest.mark.django_db
def test_a_pattern_takes_the_day_where_the_company_is(world):
    rows = Numerator.objects.create(
        name="n", pattern="FV/{YYYY}/{MM}/{NUMBER}", reset="month", width=3, start=7, step=2
    )
    assert rows.take(DECEMBER) == "FV/2027/01/007"
    assert rows.take(DECEMBER) == "FV/2027/01/009"
    assert rows.preview(DECEMBER) == rows.preview(DECEMBER) == "FV/2027/01/011"
    assert rows.take(datetime(2027, 2, 1, 12, tzinfo=UTC)) == "FV/2027/02/007"
    elsewhere = Numerator.objects.create(name="m", pattern="{YY}-{DD}-{NUMBER}", reset="day", zone="America/New_York")
    assert elsewhere.take(DECEMBER) == "26-31-1"


@pytest.mark.parametrize(
    ("pattern", "reset"),
    [("FV/{YYYY}", ""), ("{NUMBER}{NUMBER}", ""), ("{NUMBR}", ""), ("{NUMBER}", "year"), ("{YYYY}/{NUMBER}", "month")],
)
def test_a_pattern_that_would_repeat_itself_is_refused(pattern, reset):
    with pytest.raises(ValidationError):
        Numerator(name="n", pattern=pattern, reset=reset).clean()


@pytest.mark.django_db
def test_a_paper_that_cannot_be_filled_takes_no_number(world, papers):
    template = papers.templates["invoice"]
    template.body = "{{ document.number }} {{ company.tax_number | needed: 'tax number' }}"
    template.save()
    with pytest.raises(merge_text.MergeError, match="tax number"):
        making.make(template, papers.deal, by=world.bob)
    assert not NumberCounter.objects.exists()
    assert template.numerator.preview(clock.now()).endswith("/1")


@pytest.mark.django_db
def test_a_number_is_never_given_twice_by_the_database(world, papers):
    first = making.make(papers.templates["offer"], papers.deal, by=world.bob)
    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.create(
            item=papers.deal, version=first.version, kind="offer", title="x", numerator=first.numerator,
            number=first.number,
        )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_eight_threads_take_numbers_without_gap_or_double(world):
    rows = Numerator.objects.create(name="n", pattern="{YYYY}/{NUMBER}")
    each, threads = (50 if connection.vendor == "postgresql" else 12), 8
    taken: list[str] = []

    def take() -> None:
        try:
            for number in range(each):
                try:
                    with transaction.atomic():
                        found = rows.take(clock.now())
                        if number % 5 == 4:
                            raise ZeroDivisionError  # what follows the number fails: it must come back
                        taken.append(found)
                except ZeroDivisionError:
                    pass
        finally:
            connections.close_all()

    workers = [threading.Thread(target=take) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    numbers = sorted(int(number.rpartition("/")[2]) for number in taken)
    assert numbers == list(range(1, len(taken) + 1))
    assert len(taken) == threads * (each - each // 5)


@pytest.mark.django_db
def test_a_changed_period_steps_over_numbers_that_stand_on_papers(world, papers):
    template = papers.templates["offer"]
    first = making.make(template, papers.deal, by=world.bob)
    template.numerator.reset = "year"
    template.numerator.save()
    second = making.make(template, papers.deal, by=world.bob)
    assert second.number.rpartition("/")[2] == str(int(first.number.rpartition("/")[2]) + 1)
