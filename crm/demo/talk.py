"""What was said in half a year with the demo's customers: calls, notes, mails with opens and answers, tasks."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from crm.events.models import Event
from crm.ground import clock
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.messages.models.mail_templates import MailTemplate
from crm.messages.models.messages import Channel, Message

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "notes": (
            "Wants to see a sample of the oil before deciding.",
            "Third floor, no lift: carry-up has to be in the price.",
            "Decides together with her husband at the weekend.",
            "Measured on site: the wall is 4 cm shorter than on the plan.",
            "Compares us with a shop in town; quality matters more than the price.",
        ),
        "calls": ("Asked about delivery times and the kinds of wood.", "Agreed on the size, the colour stays open.", "Will call back after talking to the family."),
        "mails": (
            ("Your enquiry", "thank you for your enquiry. Attached you will find our thoughts and a first price."),
            ("Wood samples", "we have put three samples in the post for you: natural, smoked and white oil."),
            ("Delivery date", "we can deliver in the week you asked for. Please tell us which day suits you."),
        ),
        "answers": ("Thank you, that looks good. Can it be 10 cm longer?", "The smoked one, please!", "Wednesday would be best."),
        "hello": "Dear",
        "tasks": ("Send samples", "Ask the workshop for a date", "Check the measures once more"),
    },
    "pl": {
        "notes": (
            "Chce zobaczyć próbkę oleju, zanim się zdecyduje.",
            "Trzecie piętro bez windy: wniesienie musi być w cenie.",
            "Podejmie decyzję z mężem w weekend.",
            "Pomiar na miejscu: ściana jest o 4 cm krótsza niż na planie.",
            "Porównuje nas ze sklepem w mieście; jakość liczy się bardziej niż cena.",
        ),
        "calls": ("Pytał o terminy dostaw i gatunki drewna.", "Ustaliliśmy wymiar, kolor jeszcze otwarty.", "Oddzwoni po rozmowie z rodziną."),
        "mails": (
            ("Państwa zapytanie", "dziękujemy za zapytanie. Poniżej nasze propozycje i pierwsza wycena."),
            ("Próbki drewna", "wysłaliśmy pocztą trzy próbki: olej naturalny, wędzony i biały."),
            ("Termin dostawy", "możemy dostarczyć w wybranym tygodniu. Prosimy o informację, który dzień pasuje."),
        ),
        "answers": ("Dziękuję, wygląda dobrze. Czy może być o 10 cm dłuższy?", "Poproszę wędzony!", "Najlepiej w środę."),
        "hello": "Dzień dobry",
        "tasks": ("Wysłać próbki", "Zapytać warsztat o termin", "Sprawdzić wymiary jeszcze raz"),
    },
    "fr": {
        "notes": (
            "Souhaite voir un échantillon de l’huile avant de décider.",
            "Troisième étage sans ascenseur : la montée doit être comprise.",
            "Décide avec son mari ce week-end.",
            "Mesuré sur place : le mur fait 4 cm de moins que sur le plan.",
            "Nous compare à un magasin du centre ; la qualité compte plus que le prix.",
        ),
        "calls": ("A demandé les délais et les essences de bois.", "D’accord sur la taille, la couleur reste ouverte.", "Rappellera après en avoir parlé en famille."),
        "mails": (
            ("Votre demande", "merci de votre demande. Voici nos idées et un premier prix."),
            ("Échantillons de bois", "nous vous avons envoyé trois échantillons : huile naturelle, fumée et blanche."),
            ("Date de livraison", "nous pouvons livrer la semaine souhaitée. Quel jour vous convient ?"),
        ),
        "answers": ("Merci, cela me plaît. Est-ce possible avec 10 cm de plus ?", "La version fumée, s’il vous plaît !", "Mercredi serait le mieux."),
        "hello": "Bonjour",
        "tasks": ("Envoyer des échantillons", "Demander une date à l’atelier", "Vérifier les mesures encore une fois"),
    },
    "vi": {
        "notes": (
            "Muốn xem mẫu dầu trước khi quyết định.",
            "Tầng ba, không có thang máy: giá phải gồm cả khuân vác.",
            "Sẽ bàn với chồng vào cuối tuần.",
            "Đã đo tại chỗ: tường ngắn hơn bản vẽ 4 cm.",
            "Đang so sánh với một cửa hàng trong phố; coi trọng chất lượng hơn giá.",
        ),
        "calls": ("Hỏi về thời gian giao hàng và loại gỗ.", "Đã thống nhất kích thước, màu còn để ngỏ.", "Sẽ gọi lại sau khi bàn với gia đình."),
        "mails": (
            ("Yêu cầu của quý khách", "cảm ơn quý khách đã liên hệ. Sau đây là đề xuất và báo giá đầu tiên."),
            ("Mẫu gỗ", "chúng tôi đã gửi ba mẫu: dầu tự nhiên, hun khói và trắng."),
            ("Ngày giao hàng", "chúng tôi có thể giao trong tuần quý khách chọn. Ngày nào thuận tiện ạ?"),
        ),
        "answers": ("Cảm ơn, tôi thấy ổn. Có thể dài thêm 10 cm không?", "Cho tôi loại hun khói nhé!", "Thứ tư là tốt nhất."),
        "hello": "Chào",
        "tasks": ("Gửi mẫu", "Hỏi xưởng về ngày", "Kiểm tra lại kích thước"),
    },
}  # fmt: skip


def add_templates(language: str) -> None:
    """What the shop writes again and again, for the composer and for rules."""
    words = WORDS[language]
    for subject, text in words["mails"]:
        body = f"<div>{words['hello']} {{{{ contact.salutation }}}},<br><br>{text}<br><br>{{{{ owner.name }}}}</div>"
        MailTemplate.objects.create(name=subject, subject=subject, body=body, language=language)


def add_talk(language: str, items: list[Item], now: datetime) -> None:
    """Between a deal's first day and its last, as people would have talked; in bulk, and no rule hears of it.

    Args:
        items: with their contact and owner; their visits are written already.
        now: nothing is said later.
    """
    dice = random.Random(406)
    words = WORDS[language]
    channel = Channel.objects.get(medium="email")
    events: list[Event] = []
    mails: list[tuple[Message, Item, dict[str, Any]]] = []
    tasks: list[Task] = []
    for item in items:
        end = min(item.closed_at or now, now)
        span = end - item.created_at
        steps = min(2 + span.days // 12, 6)
        moments = sorted(item.created_at + span * dice.random() for _ in range(steps))
        for place, moment in enumerate(moments):
            kind = dice.choice(("note", "call", "call", "mail", "mail", "task")) if place else "call"
            if kind == "mail":
                mails.append(_mail(item, channel, words, moment, dice))
            elif kind == "task":
                tasks.append(_task(item, words, moment, end, now, dice))
            else:
                events.append(_said(item, words, kind, moment, dice))
    Message.objects.bulk_create([message for message, _item, _told in mails])
    answers = [answer for mail in mails for answer in _answers(*mail, dice, now)]
    Message.objects.bulk_create([message for message, _item in answers])
    for message, item, told in mails:
        events += _told_of(message, item, told, dice)
    for message, item in answers:
        payload = {"message": message.pk, "from": message.to, "subject": message.subject, "text": message.text}
        payload["customer"] = item.contact.name if item.contact else ""
        events.append(_event("email.received", item, message.created_at, payload))
    Event.objects.bulk_create(events)
    Task.objects.bulk_create(tasks)
    for task in tasks:
        if task.status == Task.Status.NEW and task.item is not None:
            Item.objects.filter(pk=task.item.pk).update(next_activity_at=task.deadline)


def _said(item: Item, words: dict[str, Any], kind: str, moment: datetime, dice: random.Random) -> Event:
    if kind == "note":
        return _event("comment.added", item, moment, {"text": dice.choice(words["notes"])}, actor=item.owner)
    number = item.contact.phone() if item.contact else ""
    missed = dice.random() < 0.2
    payload = {
        "direction": dice.choice(("in", "out")),
        "number": number,
        "seconds": 0 if missed else dice.randrange(60, 720),
        "note": "" if missed else dice.choice(words["calls"]),
    }
    return _event("call.missed" if missed else "call.answered", item, moment, payload, actor=item.owner)


def _mail(
    item: Item, channel: Channel, words: dict[str, Any], moment: datetime, dice: random.Random
) -> tuple[Message, Item, dict[str, Any]]:
    number = dice.randrange(len(words["mails"]))
    subject, text = words["mails"][number]
    contact = item.contact
    assert contact is not None
    body = f"{words['hello']} {contact.salutation},\n\n{text}\n\n{item.owner.name if item.owner else ''}"
    opened = moment + timedelta(minutes=dice.randrange(4, 900)) if dice.random() < 0.7 else None
    if opened and opened >= clock.now():
        opened = None
    message = Message(
        channel=channel, contact=contact, item=item, to=contact.email(), subject=subject, text=body, author=item.owner,
        status="sent", created_at=moment, sent_at=moment, opened_at=opened, opens=dice.randrange(1, 4) if opened else 0,
    )  # fmt: skip
    answer = words["answers"][number] if opened and dice.random() < 0.4 else ""
    return message, item, {"opened": opened, "answer": answer}


def _answers(
    ours: Message, item: Item, told: dict[str, Any], dice: random.Random, now: datetime
) -> list[tuple[Message, Item]]:
    if not told["answer"]:
        return []
    moment = told["opened"] + timedelta(minutes=dice.randrange(10, 300))
    if moment >= now:
        return []
    message = Message(
        channel=ours.channel, contact=item.contact, item=item, to=ours.to, subject=f"Re: {ours.subject}", answers=ours,
        text=told["answer"], direction="in", status="delivered", created_at=moment, sent_at=moment,
    )  # fmt: skip
    return [(message, item)]


def _told_of(message: Message, item: Item, told: dict[str, Any], dice: random.Random) -> list[Event]:
    own = {"message": message.pk, "to": message.to, "subject": message.subject}
    found = [_event("email.sent", item, message.created_at, own | {"text": message.text[:500]}, actor=item.owner)]
    if told["opened"]:
        found.append(_event("email.opened", item, told["opened"], own | {"proxy": dice.random() < 0.3}))
    return found


def _task(
    item: Item, words: dict[str, Any], moment: datetime, end: datetime, now: datetime, dice: random.Random
) -> Task:
    """Done where the deal is closed; else some are late, some are due in the next days."""
    closed = item.closed_at is not None
    deadline = moment + timedelta(days=2) if closed else now + timedelta(hours=dice.randrange(-20, 120))
    return Task(
        item=item, title=dice.choice(words["tasks"]), assignee=item.owner, creator=item.owner, created_at=moment,
        deadline=deadline, status=Task.Status.DONE if closed else Task.Status.NEW,
        closed_at=min(deadline, end) if closed else None,
    )  # fmt: skip


def _event(kind: str, item: Item, moment: datetime, payload: dict[str, Any], actor: Any = None) -> Event:
    return Event(
        kind=kind,
        item=item,
        contact_id=item.contact_id,
        actor=actor,
        payload=payload,
        created_at=moment,
        cause_kind="person",
    )
