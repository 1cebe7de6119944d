"""Post to feed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.base import ContentFile
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import DepartmentChoices, MergeTextField, UserChoice, UserChoices
from automation.papers import newest_paper
from crm.ground.sentences import said
from crm.models import Post


@actions.register
class PostToFeed(Action):
    key = "post_to_feed"
    label = _("Post to feed")
    synonyms = _("news, announcement")
    example = _("“We won {{ item.title }}!”, for everybody.")
    group = "team"
    icon = "rss"
    help = _("Tells colleagues in the feed: everybody, or only those chosen, who alone read it then.")
    outputs = {"post": _("post")}

    class Settings(SettingsForm):
        title = MergeTextField(label=_("title"), multiline=False, max_length=200, required=False)
        text = MergeTextField(label=_("text"))
        sender = UserChoice(label=_("sender"), required=False, empty_label=_("who published the rule"))
        people = UserChoices(label=_("only to these people"), required=False, help_text=_("Nobody chosen: everybody."))
        departments = DepartmentChoices(label=_("and to these departments"), required=False)
        paper = forms.BooleanField(
            label=_("with the card's newest paper"), required=False, help_text=_("As a file, beside the text.")
        )

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        sender = settings["sender"] or context.rights
        if not sender.is_active:
            raise ActionError(said("sender.gone", "%s is not active any more and cannot be the sender.") % sender.name)
        post = Post.write(
            sender,
            context.text(settings["text"]),
            title=context.text(settings["title"]),
            people=settings["people"],
            departments=settings["departments"],
            files=[_file(newest_paper(context.item))] if settings["paper"] else [],
            origin=context.origin,
            item=context.item,
        )
        return Done({"post": post.pk}, summary=str(post)[:200])

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("title") or settings.get("text", ""))[:80]


def _file(paper: Any) -> tuple[Any, str, str]:
    return ContentFile(paper.content, name=paper.name), paper.name, paper.kind
