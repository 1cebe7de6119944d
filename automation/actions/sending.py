"""What the sending actions share: a message row with its job; the run waits for it."""

from __future__ import annotations

from typing import Any

from automation.base import ActionError, Context, Outcome, Skip, Wait
from automation.models import Rule
from crm.messages import merge_text, sending
from crm.messages.outgoing import Outgoing


def send(
    context: Context,
    medium: str,
    chosen: Any,
    *,
    to: str,
    text: str,
    subject: str = "",
    to_customer: bool = True,
    **more: Any,
) -> Outcome:
    """Write the message and wait for its job. No address fails readably; an unwanted message is skipped.

    Args:
        more: further arguments of `sending.queue_message`.
    """
    try:
        channel = sending.channel_for(medium, chosen)
        message = sending.queue_message(
            Outgoing(
                channel=channel,
                to=to,
                text=text,
                subject=subject,
                contact=context.item.contact if to_customer else None,
                item=context.item,
                visit=context.visit,
                author=context.rights,
                origin=context.origin,
                depth=context.cause.depth,
                language=merge_text.language_of(context.item),
                retry_hours=context.rule.retry_hours,
                survives_leaving=context.rule.on_leave == Rule.OnLeave.KEEP or context.run.keeps,
                **more,
            )
        )
    except sending.CannotSend as error:
        if error.skip:
            return Skip(str(error))
        raise ActionError(str(error)) from error
    assert message.job_id is not None
    return Wait(on=f"job:{message.job_id}", outputs={"message": message.pk, "to": to})
