"""Versions: listed with what they did, named, compared in words and side by side, brought back as a draft."""

from datetime import timedelta

import pytest

from automation.models import Rule
from automation.publishing import drafts
from automation.publishing.models import Draft, Publication
from crm.ground import clock
from crm.pipelines.rights import Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def alice(world, client):
    client.force_login(world.alice)
    return client


def url(world, rest=""):
    return f"/automation/{world.pipeline.pk}/{rest}"


def publish(client, world, name, **more):
    """Another comment rule goes live."""
    asked = {"do": "add", "kind": "rule", "type": "add_comment", "place": f"stage-{world.stages['talk'].pk}"}
    id = client.post(url(world, "do/"), asked)["X-Opened"]
    client.post(url(world, f"parts/{id}/"), {"part-name": name, "part-key": id, "part-repeat": "every", "part-repeat_days": "30",
        "part-on_leave": "cancel", "part-hourly_limit": "1000", "part-retry_hours": "24", "own-text": name, "when-when": "now"})  # fmt: skip
    draft = drafts.draft_of(world.pipeline)
    answer = client.post(url(world, "publish/"), {"revision": draft.revision, "name": f"With {name}", **more})
    assert answer.status_code == 200, answer.content
    return id


def test_versions_are_listed_with_their_names_and_what_they_did(world, alice, drain):
    publish(alice, world, "First")
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    publish(alice, world, "Second", note="for the fair")
    Publication.objects.filter(number=3).update(
        published_at=clock.now() + timedelta(minutes=1)
    )  # the clock stands still
    page = alice.get(url(world, "versions/"))
    rows = {one.number: (one.name, rules, triggers, did) for one, rules, triggers, did in page.context["rows"]}
    assert rows[1][1:] == (0, 0, {})  # as it stood before
    assert rows[2] == ("With First", 1, 0, {"done": 1})
    assert rows[3] == ("With Second", 2, 0, {})
    assert "for the fair" in page.content.decode()
    alice.post(url(world, "versions/2/name/"), {"name": "Before the fair"})
    assert Publication.objects.get(number=2).name == "Before the fair"


def test_any_two_are_compared_in_words_and_side_by_side(world, alice):
    publish(alice, world, "First")
    second = publish(alice, world, "Second")
    page = alice.get(url(world, "comparison/?a=2&b=3"))
    html = page.content.decode()
    assert "Rule “Second” is added" in html
    assert f'id="afterpart-{second}"' in html
    assert f'id="beforepart-{second}"' not in html
    back = alice.get(url(world, "comparison/?a=3&b=2")).content.decode()
    assert f'id="beforepart-{second}"' in back
    assert "removed" in back
    assert "Nothing differs" in alice.get(url(world, "comparison/?a=live&b=draft")).content.decode()
    for wrong in ("a=9&b=1", "a=x&b=1"):
        assert alice.get(url(world, f"comparison/?{wrong}")).status_code == 404


def test_an_old_one_becomes_the_draft_and_no_draft_is_thrown_away_unasked(world, alice):
    publish(alice, world, "First")
    second = publish(alice, world, "Second")
    assert alice.post(url(world, "versions/2/restore/")).url == url(world)
    draft = Draft.objects.get()
    assert drafts.document_of(draft).find(second) is None
    assert Rule.objects.filter(uid=second, retired=False).exists()  # nothing is live yet
    alice.post(url(world, "versions/3/restore/"))
    assert Draft.objects.get().revision == draft.revision
    alice.post(url(world, "versions/3/restore/"), {"sure": str(draft.revision)})
    assert drafts.document_of(Draft.objects.get()).find(second) is not None


def test_only_who_sets_it_up_reads_what_is_not_live(world, client):
    client.force_login(world.alice)
    publish(client, world, "First")
    asked = {"do": "add", "kind": "rule", "type": "add_comment", "place": f"stage-{world.stages['talk'].pk}"}
    client.post(url(world, "do/"), asked)
    client.force_login(world.bob)
    for path in ("versions/", "comparison/?a=1&b=2", "comparison/?a=live&b=draft"):
        assert client.get(url(world, path)).status_code == 404
    for path in ("versions/1/restore/", "versions/1/name/"):
        assert client.post(url(world, path)).status_code == 404
    page = client.get(url(world)).content.decode()
    assert page.count('class="dcard') >= 1
    assert "has edited this draft" not in page
    assert 'id="part-add-comment-2"' not in page  # what is drafted stays with those who draft
    assert client.get(url(world, "state/")).json()["findings"] == []
    world.role(world.charlie, view=Scope.NONE)
    client.force_login(world.charlie)
    assert client.get(url(world)).status_code == 404
