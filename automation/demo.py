"""The demo's rules and triggers, in its language: what the built actions and trigger types allow."""

from __future__ import annotations

from typing import Any

from automation.document import RULE, STAGE, TRIGGER, Document, Place, RulePart, TriggerPart
from automation.models import Rule
from automation.publishing.models import Publication
from automation.publishing.publishing import editing
from crm.demo.company import Demo

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "sms": "Hello {{ contact.salutation }}, thank you for your order! A manager of {{ own_company.name }} will call you within 30 minutes.",
        "r1": "SMS: we call within 30 minutes",
        "r2": "Give to a salesperson",
        "r3": "Task: call the customer",
        "call": "Call {{ contact.name }}",
        "r4": "Tell the supervisor",
        "r5": "Control: two working days",
        "late": "Nobody has taken care of “{{ item.title }}” for 30 minutes.",
        "subject": "Your order at {{ own_company.name }}",
        "r8": "E-mail: reminder after 2 working days",
        "remind": "Dear {{ contact.salutation }},\n\nwe are looking forward to your payment of {{ item.amount | money }}, so that we can start to build.\n\n{{ own_company.name }}",
        "r10": "Task for the warehouse",
        "pack": "Prepare delivery: {{ item.title }}",
        "r11": "Tell logistics",
        "tell": "Prepayment received: {{ item.title }}",
        "t2": "The warehouse is ready",
        "r13": "SMS: your delivery",
        "deliver": "{{ own_company.name }}: your furniture is ready. We will call you to agree on the day of delivery.",
        "r14": "E-mail: how do you like it?",
        "review": "Dear {{ contact.salutation }},\n\nhow do you like your new furniture? We would be glad about a few words.\n\n{{ own_company.name }}",
        "r15": "Comment",
        "won": "Won by {{ owner.name }}.",
    },
    "pl": {
        "sms": "Dzień dobry {{ contact.salutation }}, dziękujemy za zamówienie! Opiekun z {{ own_company.name }} zadzwoni w ciągu 30 minut.",
        "r1": "SMS: zadzwonimy w ciągu 30 minut",
        "r2": "Przekaż handlowcowi",
        "r3": "Zadanie: zadzwoń do klienta",
        "call": "Zadzwoń: {{ contact.name }}",
        "r4": "Powiadom przełożonego",
        "r5": "Kontrola: dwa dni robocze",
        "late": "Od 30 minut nikt nie zajął się „{{ item.title }}”.",
        "subject": "Twoje zamówienie w {{ own_company.name }}",
        "r8": "E-mail: przypomnienie po 2 dniach roboczych",
        "remind": "Dzień dobry {{ contact.salutation }},\n\nczekamy na wpłatę {{ item.amount | money }}, aby rozpocząć budowę mebli.\n\n{{ own_company.name }}",
        "r10": "Zadanie dla magazynu",
        "pack": "Przygotuj dostawę: {{ item.title }}",
        "r11": "Powiadom logistykę",
        "tell": "Wpłynęła przedpłata: {{ item.title }}",
        "t2": "Magazyn gotowy",
        "r13": "SMS: dostawa",
        "deliver": "{{ own_company.name }}: meble są gotowe. Zadzwonimy, aby ustalić dzień dostawy.",
        "r14": "E-mail: prośba o opinię",
        "review": "Dzień dobry {{ contact.salutation }},\n\njak podobają się nowe meble? Będziemy wdzięczni za kilka słów.\n\n{{ own_company.name }}",
        "r15": "Komentarz",
        "won": "Wygrane: {{ owner.name }}.",
    },
    "fr": {
        "sms": "Bonjour {{ contact.salutation }}, merci pour votre commande ! Un conseiller de {{ own_company.name }} vous appelle sous 30 minutes.",
        "r1": "SMS : nous appelons sous 30 minutes",
        "r2": "Confier à un vendeur",
        "r3": "Tâche : appeler le client",
        "call": "Appeler {{ contact.name }}",
        "r4": "Prévenir le responsable",
        "r5": "Contrôle : deux jours ouvrés",
        "late": "Personne ne s’est occupé de « {{ item.title }} » depuis 30 minutes.",
        "subject": "Votre commande chez {{ own_company.name }}",
        "r8": "E-mail : rappel après 2 jours ouvrés",
        "remind": "Bonjour {{ contact.salutation }},\n\nnous attendons votre paiement de {{ item.amount | money }} pour commencer la fabrication.\n\n{{ own_company.name }}",
        "r10": "Tâche pour l’entrepôt",
        "pack": "Préparer la livraison : {{ item.title }}",
        "r11": "Prévenir la logistique",
        "tell": "Acompte reçu : {{ item.title }}",
        "t2": "L’entrepôt est prêt",
        "r13": "SMS : livraison",
        "deliver": "{{ own_company.name }} : vos meubles sont prêts. Nous vous appelons pour convenir du jour de livraison.",
        "r14": "E-mail : votre avis",
        "review": "Bonjour {{ contact.salutation }},\n\nvos nouveaux meubles vous plaisent-ils ? Quelques mots nous feraient plaisir.\n\n{{ own_company.name }}",
        "r15": "Commentaire",
        "won": "Gagné par {{ owner.name }}.",
    },
    "vi": {
        "sms": "Chào {{ contact.salutation }}, cảm ơn bạn đã đặt hàng! Nhân viên {{ own_company.name }} sẽ gọi trong vòng 30 phút.",
        "r1": "SMS: gọi trong vòng 30 phút",
        "r2": "Giao cho nhân viên bán hàng",
        "r3": "Công việc: gọi khách hàng",
        "call": "Gọi {{ contact.name }}",
        "r4": "Báo quản lý",
        "r5": "Kiểm soát: hai ngày làm việc",
        "late": "Đã 30 phút chưa ai xử lý “{{ item.title }}”.",
        "subject": "Đơn hàng của bạn tại {{ own_company.name }}",
        "r8": "E-mail: nhắc sau 2 ngày làm việc",
        "remind": "Chào {{ contact.salutation }},\n\nchúng tôi đang chờ khoản thanh toán {{ item.amount | money }} để bắt đầu.\n\n{{ own_company.name }}",
        "r10": "Công việc cho kho",
        "pack": "Chuẩn bị giao hàng: {{ item.title }}",
        "r11": "Báo kho vận",
        "tell": "Đã nhận tiền trả trước: {{ item.title }}",
        "t2": "Kho đã sẵn sàng",
        "r13": "SMS: giao hàng",
        "deliver": "{{ own_company.name }}: đồ nội thất đã sẵn sàng. Chúng tôi sẽ gọi để hẹn ngày giao.",
        "r14": "E-mail: xin ý kiến",
        "review": "Chào {{ contact.salutation }},\n\nbạn có hài lòng với đồ nội thất mới không? Chúng tôi rất mong nhận được vài lời.\n\n{{ own_company.name }}",
        "r15": "Bình luận",
        "won": "Thành công nhờ {{ owner.name }}.",
    },
}


class Placing:
    """Rules and triggers of the demo, placed into a document that is about to be published."""

    def __init__(self, document: Document, texts: dict[str, str]) -> None:
        self.document, self.texts = document, texts

    def rule(self, stage: Any, key: str, name: str, action: str, settings: dict[str, Any], **more: Any) -> str:
        """Returns its id."""
        id = self.document.free_id(key)
        part = RulePart(id=id, key=key, name=self.texts[name], action=action, settings=settings, **more)
        self.document.add(RULE, Place(STAGE, str(stage.pk)), part)
        return id

    def trigger(self, stage: Any, name: str, type: str, settings: dict[str, Any]) -> None:
        id = self.document.free_id(type)
        part = TriggerPart(id=id, name=self.texts[name], type=type, settings=settings)
        self.document.add(TRIGGER, Place(STAGE, str(stage.pk)), part)


def add_automation(demo: Demo) -> None:
    """Slot demo_parts: rules R1 to R15 and the triggers, as far as their actions are built."""
    with editing(demo.pipeline, demo.people[0], Publication.Origin.DEMO) as under_way:
        _place(demo, Placing(under_way.document, TEXTS[demo.language]))


def _place(demo: Demo, placing: Placing) -> None:
    texts, rule = placing.texts, placing.rule
    _anna, _bartek, _celina, darek, ewa = demo.people
    new, talking, _prepare, waiting, prepayment, delivery, won, _lost = demo.stages
    sales, _logistics = demo.departments

    rule(new, "sms", "r1", "send_sms", {"text": texts["sms"]})
    rule(new, "owner", "r2", "change_owner", {"department": str(sales.pk), "choose": "order", "skip_absent": "on"})
    call = {
        "title": texts["call"],
        "deadline_amount": "30",
        "deadline_unit": "working_minutes",
        "close_on_leave": "on",
        "unless_open": "on",
    }
    rule(new, "call", "r3", "create_task", call, after_previous=Rule.After.ENDED)
    half_hour = {"when": "delay", "amount": 30, "unit": "working_minutes"}
    rule(new, "late", "r4", "notify_supervisor", {"text": texts["late"]}, timing=half_hour)
    two_days = {"when": "delay", "amount": 2, "unit": "working_days"}
    neglected = {"amount": "2", "unit": "working_days", "without": "activity", "unless_planned": "on"}
    rule(talking, "control", "r5", "control_time_in_stage", neglected)
    rule(
        waiting, "reminder", "r8", "send_email", {"subject": texts["subject"], "body": texts["remind"]}, timing=two_days
    )
    warehouse = {
        "title": texts["pack"],
        "assignee": str(darek.pk),
        "deadline_amount": "1",
        "deadline_unit": "working_days",
    }
    pack = rule(prepayment, "pack", "r10", "create_task", warehouse)
    rule(prepayment, "tell", "r11", "notify", {"to_users": [str(ewa.pk)], "text": texts["tell"]})
    rule(delivery, "sms", "r13", "send_sms", {"text": texts["deliver"]})
    three_days = {"when": "delay", "amount": 3, "unit": "days", "working_only": True}
    rule(
        delivery,
        "review",
        "r14",
        "send_email",
        {"subject": texts["subject"], "body": texts["review"]},
        timing=three_days,
        on_leave=Rule.OnLeave.KEEP,
    )
    rule(won, "won", "r15", "add_comment", {"text": texts["won"]})

    placing.trigger(delivery, "t2", "task_status", {"status": "done", "rule": pack})
