"""The furniture shop's story in French and Vietnamese; a file of its own, so that two processes share the work."""

from __future__ import annotations

import pytest

from tests.flows.story import from_form_to_won

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["fr", "vi"])
def test_the_story_from_the_form_to_won(shop_in, person, language):
    from_form_to_won(shop_in, person, language)
