"""Who may do what with customers (contacts and companies): the one policy for pages, API, import, search and gate.

While no role says anything about customers, whoever sees some pipeline sees, adds, edits and merges all of them. As soon
as one role does, roles alone count. A customer is one's own by its owner; by a card that one sees it is only seen: else
anybody got at a customer by making a card with its address. What has no owner is reached by *all* alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Case, Q, Value, When
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from crm.events import kinds as event_kinds
from crm.ground.refused import Forbidden
from crm.ground.sentences import said
from crm.people.models import Contact
from crm.pipelines import rights
from crm.pipelines.models import Pipeline
from crm.pipelines.rights import Scope
from crm.pipelines.roles import CustomerRight

if TYPE_CHECKING:
    from crm.items.models.items import Item
    from crm.people.models import User

ACTIONS = ("view", "add", "edit", "merge", "delete", "export")
REFUSALS = {
    "view": _("You have no access to this customer."),
    "add": _("Your role may not add customers."),
    "edit": _("Your role may not change this customer."),
    "merge": _("Your role may not merge this customer."),
    "delete": _("Your role may not delete this customer."),
    "export": _("Your role may not export."),
}


def _said(user: User) -> dict[str, Scope] | None:
    """By the person's roles, for each action; None while no role says anything. One query an instance of the user."""
    if "_customers" not in user.__dict__:
        rows = CustomerRight.objects.annotate(mine=rights.held_by(user))
        best: dict[str, Scope] | None = None
        for mine, *scopes in rows.values_list("mine", *(f"may_{name}" for name in ACTIONS)):
            best = best or dict.fromkeys(ACTIONS, Scope.NONE)
            if mine:
                best = {name: max(best[name], Scope(scope)) for name, scope in zip(ACTIONS, scopes, strict=True)}
        user.__dict__["_customers"] = best
    return user.__dict__["_customers"]


def scope_of(user: User, action: str) -> Scope:
    """Whose customers the action reaches; nothing reaches further than *view*."""
    if not user.is_active:
        return Scope.NONE
    if user.is_superuser:
        return Scope.ALL
    said = _said(user)
    if said is not None:
        return min(said[action], said["view"])
    known: dict[str, bool] = user.__dict__.setdefault("_unsaid", {})
    word = action if action in ("delete", "export") else "view"
    if word not in known:
        known[word] = _unsaid(user, word)
    return Scope.ALL if known[word] else Scope.NONE


def is_said(user: User) -> bool:
    """Whether some role says what may be done with customers; administrators are asked nothing."""
    return not user.is_superuser and _said(user) is not None


def _unsaid(user: User, action: str) -> bool:
    """As long as no role says anything."""
    if action == "delete":
        return False
    if action == "export":
        # Who may take all cards of some pipeline along may take customers too.
        narrow = [pk for pk, scopes in rights.reach(user).items() if scopes["export"] != Scope.ALL]
        return Pipeline.objects.exclude(pk__in=narrow).exists()
    if any(scopes["view"] for scopes in rights.reach(user).values()):
        return True  # most people, and their reach is known already
    return Pipeline.objects.visible_to(user).exists()


def works_here(user: User) -> bool:
    """Sees some pipeline or some customers: others see no colleagues' names, no feed, and hear of nothing."""
    if scope_of(user, "view") > Scope.NONE:
        return True
    return is_said(user) and Pipeline.objects.visible_to(user).exists()


def within(user: User, action: str, link: str) -> Q:
    """Which customers the action reaches, as a condition on them.

    Args:
        link: the item's field that points to them: "contact" or "company".
    """
    scope = scope_of(user, action)
    if scope == Scope.ALL:
        return Q()
    if scope == Scope.NONE:
        return Q(pk__in=[])
    found = Q(owner=user.pk)
    if scope > Scope.OWN:
        found |= Q(owner__department__in=rights.departments_of(user, scope))
    return found | _by_cards(user, link) if action == "view" else found


def _by_cards(user: User, link: str) -> Q:
    """Customers of cards that the person sees, but for cards that only name theirs (`Item.hides_customer`)."""
    items: Any = apps.get_model("crm", "Item")  # whose gate asks here
    cards = items.objects.visible_to(user)
    found = Q(pk__in=cards.filter(hides_customer=False).exclude(**{link: None}).order_by().values(link))
    if link == "contact":
        found |= Q(pk__in=items.contacts.through.objects.filter(item__in=cards.order_by()).values("contact"))
    return found


def allows(user: User, action: str, record: Any) -> bool:
    """Whether the person may do it with this contact or company."""
    scope = scope_of(user, action)
    if scope in (Scope.NONE, Scope.ALL):
        return scope == Scope.ALL
    if record.owner_id == user.pk:
        return True
    return type(record).objects.open_to(user, action).filter(pk=record.pk).exists()


def require(user: User, action: str, record: Any) -> None:
    """Raises Forbidden, in words, where the person may not."""
    if not allows(user, action, record):
        raise _forbidden(action)


def require_adding(user: User) -> None:
    """Raises Http404 for somebody who sees no customers at all, Forbidden for who may add none."""
    if scope_of(user, "view") == Scope.NONE:
        raise Http404
    if scope_of(user, "add") == Scope.NONE:
        raise _forbidden("add")


def _forbidden(action: str) -> Exception:
    return Forbidden(REFUSALS[action])


def hands_to(user: User, action: str, owner: User | None) -> bool:
    """Whether a customer of that owner would be within the action's reach: who adds for himself adds for nobody else."""
    scope = scope_of(user, action)
    if scope in (Scope.NONE, Scope.ALL):
        return scope == Scope.ALL
    if owner is None or scope == Scope.OWN:
        return owner is not None and owner.pk == user.pk
    return owner.pk == user.pk or owner.department_id in rights.departments_of(user, scope)


def shows(user: User, item: Item) -> bool:
    """Whether a card that the person sees shows its customer's addresses too, not the name alone."""
    scope = scope_of(user, "view")
    if scope in (Scope.NONE, Scope.ALL) or item.contact_id is None:
        return scope == Scope.ALL or item.contact_id is None
    return not item.hides_customer or allows(user, "view", item.contact)


def talk() -> Q:
    """Events that name an address, a number or words of the customer, or of which nobody can say that they do not."""
    return ~Q(kind__in=event_kinds.naming_nobody())


def concealed(user: User) -> Q:
    """Of what hangs on cards (`item`): where the person sees the card and not its customer, whose addresses it tells."""
    scope = scope_of(user, "view")
    if scope == Scope.ALL:
        return Q(pk__in=[])
    if scope == Scope.NONE:
        return Q(item__contact__isnull=False)
    return Q(item__hides_customer=True) & ~Q(item__contact__in=Contact.objects.visible_to(user).order_by().values("pk"))


def marked(rows: Any, user: User) -> Any:
    """Rows that hang on cards (`item`), each with `is_concealed`: what tells an address of its customer is left out."""
    return rows.annotate(is_concealed=Case(When(concealed(user), then=Value(True)), default=Value(False)))


def stays_hidden(user: User | None, item: Item, changes: Any) -> bool:
    """A card that hid its customer goes on doing so, unless another was chosen and the person sees all that it has now.

    Args:
        item: with the changes made; `changes`: names of columns.
    """
    if not {"contact", "company"} & set(changes):
        return True
    links = (item.contact, item.company)
    return user is None or not all(record is None or allows(user, "view", record) for record in links)


def check_links(user: User | None, values: dict[str, Any]) -> None:
    """A card is linked to customers that the person sees. Raises Forbidden. `values`: by column, saved or new records."""
    for name in ("contact", "company"):
        record = values.get(name)
        if user is None or record is None or record.pk is None or allows(user, "view", record):
            continue
        raise Forbidden(said("customer.unknown", "There is no such customer within your reach."))
