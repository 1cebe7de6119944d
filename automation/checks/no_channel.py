"""A message without a channel that could send it: none is set up, or the chosen one is off or has a fault."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import MEDIA, WARNING, Check, Checked, Finding, checks


@checks.register
class NoChannel(Check):
    key = "no_channel"
    label = _("No channel sends it")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        for rule in checked.rules:
            if rule.writes_to not in MEDIA:
                continue
            channel = checked.channel_of(rule)
            if channel is None:
                yield self.found(rule.path, _now("No channel for %s is set up.") % MEDIA[rule.writes_to].label)
            elif not channel.is_active:
                yield self.found(rule.path, _now("The channel “%s” is switched off.") % channel.name)
            elif channel.fault:
                words = _now("The channel “%(name)s” has a fault: %(fault)s")
                yield self.found(rule.path, words % {"name": channel.name, "fault": channel.fault})
