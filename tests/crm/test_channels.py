"""Real SMTP on loopback: delivered, refused, unreachable, cut off."""

from automation.base import action_of
from crm.ground import vault
from crm.messages.transports.base import transports
from crm.models import Channel, Job, Message
from tests.servers import free_port


def mail_rule(world, **more):
    return world.rule(
        "talk",
        "send_email",
        {"subject": "Zażółć {{ item.title }}", "body": "Chào {{ contact.salutation }},\nhttps://example.com"} | more,
    )


def test_a_mail_arrives_with_its_letters_parts_and_our_signed_id(world, now, drain, mailbox):
    mail_rule(world)
    world.move(world.deal("Stół"), "talk")
    drain()
    [mail] = mailbox.mails
    message = Message.objects.get()
    assert message.status == "sent"
    assert "".join(mail["Message-ID"].split()) == message.public_address()
    plain, html = (part.get_payload(decode=True).decode() for part in mail.get_payload())
    assert "Chào Hằng" in plain
    assert ">https://example.com</a>" in html


def test_a_refused_address_fails_at_once_in_the_servers_words(world, now, drain, mailbox):
    rule = mail_rule(world, to="nobody@example.com")
    world.move(world.deal(), "talk")
    drain()
    assert world.run_of(rule).status == "failed"
    assert "550" in world.run_of(rule).error


def test_a_server_that_cannot_be_reached_is_tried_again(world, now, drain, mailbox):
    world.email.settings = {"host": "127.0.0.1", "port": free_port(), "security": "none"}
    world.email.save()
    rule = mail_rule(world)
    world.move(world.deal(), "talk")
    drain()
    assert world.run_of(rule).status == "waiting"
    assert (Job.objects.get(kind="send_message").status, Message.objects.get().status) == ("planned", "planned")


def test_a_temporary_refusal_is_tried_again(world, now, drain, mailbox):
    mailbox.answer = "451 Try later"
    mail_rule(world)
    world.move(world.deal(), "talk")
    drain()
    assert Job.objects.get(kind="send_message").attempts == 1


def test_a_customer_who_wants_no_mail_gets_none(world, now, drain, mailbox):
    rule = mail_rule(world)
    world.contact.no_email = True
    world.contact.save()
    world.move(world.deal(), "talk")
    drain()
    assert world.run_of(rule).status == "skipped"
    assert mailbox.mails == []


def test_a_channel_switched_off_between_planning_and_sending_fails_readably(world, now, drain):
    rule = world.rule("talk", "send_sms", {"text": "x", "channel": str(world.sms.pk)})
    world.move(world.deal(), "talk")
    Channel.objects.filter(pk=world.sms.pk).update(is_active=False)
    drain()
    assert "switched off" in world.run_of(rule).error


def test_quiet_hours_put_an_automatic_message_off(world, drain):
    from datetime import UTC, datetime

    from crm.ground import clock

    world.sms.calendar = world.calendar
    world.sms.save()
    world.rule("talk", "send_sms", {"text": "x"})
    with clock.at(datetime(2026, 11, 18, 22, tzinfo=UTC)):
        world.move(world.deal(), "talk")
        drain()
    job = Job.objects.get(kind="send_message")
    assert (job.status, job.due_at) == ("planned", datetime(2026, 11, 19, 8, tzinfo=UTC))


def test_a_contact_gets_no_more_automatic_messages_a_day_than_the_channel_allows(world, now, drain):
    world.sms.contact_daily_limit = 2
    world.sms.save()
    world.rule("talk", "send_sms", {"text": "x"})
    for _ in range(4):
        world.move(world.deal(), "talk")
        drain()
    assert sorted(Message.objects.values_list("status", flat=True)) == ["sent", "sent", "skipped", "skipped"]


def test_secrets_are_encrypted_at_rest(db):
    locked = vault.lock({"password": "hunter2"})
    assert "hunter2" not in locked
    assert vault.unlock(locked) == {"password": "hunter2"}


def test_a_transport_whose_app_is_gone_fails_readably(world, now, drain):
    Channel.objects.filter(pk=world.sms.pk).update(transport="telegraph")
    rule = world.rule("talk", "send_sms", {"text": "x"})
    world.move(world.deal(), "talk")
    drain()
    assert "“telegraph” is not installed" in world.run_of(rule).error


def test_third_parties_come_in_by_the_same_door(world):
    assert transports.get("carrier") is not None
    assert action_of("greet").label == "Greet"
