"""Templates are laid out for reviewers; customers do not download what indents them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Engine

LAID_OUT = """<p
    class="a"
>
    {{ name }}
    of

    us
</p>
"""


@pytest.mark.parametrize(
    ("name", "source", "sent"),
    [
        ("page.html", LAID_OUT, '<p\nclass="a"\n>\n  two  \nof\nus\n</p>\n'),
        ("mail.txt", LAID_OUT, LAID_OUT.replace("{{ name }}", "  two  ")),
        ("log.html", "<pre>\n    a\n</pre>", "<pre>\n    a\n</pre>"),
        ("field.html", "<textarea>\n\n  a</textarea>", "<textarea>\n\n  a</textarea>"),
        ("inherits.html", "{% block a %}\n    {% if 1 %}\n        a\n    {% endif %}\n{% endblock %}", "\n\na\n\n"),
    ],
)
def test_only_the_indentation_of_html_goes(tmp_path: Path, name: str, source: str, sent: str) -> None:
    (tmp_path / name).write_text(source)
    engine = Engine(
        dirs=[str(tmp_path)],
        loaders=[("crm.ground.template_loader.Loader", ["django.template.loaders.filesystem.Loader"])],
    )
    for _once_more in range(2):
        assert engine.get_template(name).render(Context({"name": "  two  "})) == sent


def test_the_house_uses_it() -> None:
    assert settings.TEMPLATES[0]["OPTIONS"]["loaders"][0][0] == "crm.ground.template_loader.Loader"
