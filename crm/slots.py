"""Where upper rooms show up in lower pages. `crm` iterates; automation, documents and third parties register.

Each slot is a list of callables (or objects) in order of registration, named for what it fills:

customer_reach  f(user, action, "contact" or "company") -> Q: which of them the person may do it with
languages       f() -> codes of the languages in which customers write here
contact_split   f(contact, made, items): in the transaction that gives some cards of a contact to a new one
home_country    f() -> ISO code of the country whose phone numbers are written without a prefix, or ""
personal_data   PersonalData objects: rows that hold what a customer said or is (crm/items/erasure.py)
erasure_bars    f(subject) -> sentence or "": why this customer cannot be erased now
erasure_begins  f(subject): in the transaction that erases, before anything is: cancel what still waits
papers_kept     f(item ids) -> ids of those whose lines belong to a paper that the law wants kept
held_back       f(user) -> bool: must the person set something up before any page opens? (the second factor)
automation_paused  f() -> bool: does an administrator's switch hold rules, timers and all that leaves the house?
batches         context managers around a batch of jobs, inside its transaction
workers         `Worker` objects: leased tables that crm.work.queue drains (crm/work/queue.py)
item_tabs       f(item, user) -> ItemTab | None: a tab of the item page
customer_parts  f(record, items, user) -> ItemTab | None: a part of a contact's or company's page; `items`: a queryset of
                its cards that the person sees
api_routers     ninja Routers of upper layers, under /api/v1/
routes          URL patterns of upper layers
day_parts       f(user) -> ItemTab | None: a part of a person's day, above its tasks
board_links     f(machine, user) -> NavLink | None: a button above the pipeline's board and list, whose `url` is a path
column_hints    f(machine) -> {stage id: sentence}: what a drop on that column will start
sends_on_entry  f(machine) -> {stage id: messages}: how many messages one card's entry can start, at most
card_badges     f(items) -> {item id: [Badge]}: small marks on cards
health_checks   f() -> [Health]: lines of /healthz and of the banner
demo_parts      f(demo): adds a part to the demo company
demo_histories  f(demo): what happened in half a year with the demo's deals, made after them
event_interest  f(kind, cause's kind, item's id) -> bool: must the upper layer hear of such an event before the transaction goes on?
items_taken_in  f(items): in the transaction that writes cards, or changes them, of which no trigger hears (an import)
job_ended       f(job): in the transaction that ends an outside job
job_replaced    f(old, new): who waited for the old job waits for the new one
stage_uses      f(stage) -> [StageUse]: what names a stage, and what becomes of it when the stage goes
pipeline_uses   f(pipeline) -> [PipelineUse]: what names a pipeline beside its stages (crm/items/archiving.py)
pipeline_ended  f(pipeline): in the transaction that archives it; plan to cancel what waits in it
task_ended      f(task): in the transaction that ends a task
item_binned     f(item): in the transaction in which a card goes to the recycle bin
task_changed    f(task, by): in the transaction that changes its words, time or place
nav_links       NavLink objects: entries of the main menu
search_groups   f(user, text) -> (URL name, heading, rows): found by the global search; a row has `subline`
analytics       f(figures) -> Table | None: a further section of the analytics page (crm/analytics/figures.py)
notices         f(notice): a word to colleagues (crm/events/notice.py), in the transaction of what it is about
message_written f(message, keys): in the transaction that writes a message; `keys` of the files that go along
message_left    f(message): in the transaction in which a message was handed to its provider; perhaps more than once
mail_papers     f(item, user) -> [MailPaper]: papers that a mail may take along, newest first; user None: a rule's mail
bin_keeps       f(items) -> items: without those that must not be purged (numbered papers, payments)
lines_changed   f(item) -> sentence or "": said to who has changed an item's lines by hand
move_undone     f(item, visit): a move was taken back; end what its visit began, revive what it had ended
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any


class Slot(list[Any]):
    def register(self, filler: Any) -> Any:
        """Add a filler (usable as a decorator); adding the same one twice is once."""
        if filler not in self:
            self.append(filler)
        return filler

    @contextmanager
    def temporarily(self, filler: Any) -> Iterator[None]:
        self.append(filler)
        try:
            yield
        finally:
            self.remove(filler)


@dataclass
class ItemTab:
    """A tab of the item page: `template` is rendered with `context` and the item."""

    key: str
    label: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    count: int | None = None


@dataclass
class Badge:
    """A mark on a card: an icon of our sprite, words for everybody, a tone (ok, info, warning, bad)."""

    icon: str
    label: str
    tone: str = "info"


@dataclass(frozen=True)
class NavLink:
    """An entry of the main menu; `key` is what its pages give as `nav`.

    Args:
        of_stages: of a board's link: it also stands in the head of each column, with ?stage= and the stage's id.
    """

    key: str
    url: str
    icon: str
    label: Any
    of_stages: bool = False


@dataclass(frozen=True)
class MailPaper:
    """A paper that a mail may take along.

    Args:
        key: "document:12"; given to *message_written* with the message that takes it along.
        read: gives it as a crm.messages.mail.composing.NewFile with that key; raises OSError where its file is gone.
    """

    key: str
    label: str
    read: Callable[[], Any]


@dataclass
class Health:
    """One line of the health page. `fault` is empty when all is well, else a sentence."""

    name: str
    fault: str = ""
    figure: str = ""


@dataclass
class StageUse:
    """Something that names the stage.

    Args:
        hand_over: called with the stage that takes its place, in the wizard's transaction; None: nothing to do.
        of_pipeline: where the whole pipeline ends, these are counted by its own uses.
    """

    label: str
    count: int
    hand_over: Callable[[Any], Any] | None = None
    of_pipeline: bool = False


@dataclass
class PipelineUse:
    """Something that names the pipeline, beside its stages.

    Args:
        hand_over: called with the pipeline that takes its place; None: nothing to do.
        keeps: why the pipeline can be neither archived nor removed as long as this is so.
    """

    label: str
    count: int
    hand_over: Callable[[Any], Any] | None = None
    keeps: str = ""


customer_reach = Slot()
languages = Slot()
contact_split = Slot()
home_country = Slot()
personal_data = Slot()
erasure_bars = Slot()
erasure_begins = Slot()
papers_kept = Slot()
held_back = Slot()
automation_paused = Slot()
batches = Slot()
workers = Slot()
item_tabs = Slot()
customer_parts = Slot()
api_routers = Slot()
routes = Slot()
day_parts = Slot()
board_links = Slot()
column_hints = Slot()
sends_on_entry = Slot()
card_badges = Slot()
health_checks = Slot()
demo_parts = Slot()
demo_histories = Slot()
event_interest = Slot()
items_taken_in = Slot()
job_ended = Slot()
job_replaced = Slot()
stage_uses = Slot()
pipeline_uses = Slot()
pipeline_ended = Slot()
task_ended = Slot()
item_binned = Slot()
task_changed = Slot()
lines_changed = Slot()
move_undone = Slot()
mail_papers = Slot()
message_written = Slot()
message_left = Slot()
bin_keeps = Slot()
notices = Slot()
nav_links = Slot()
search_groups = Slot()
analytics = Slot()


@contextmanager
def around_batch() -> Iterator[None]:
    """All of *batches*, opened in their order."""
    with ExitStack() as opened:
        for batch in batches:
            opened.enter_context(batch())
        yield
