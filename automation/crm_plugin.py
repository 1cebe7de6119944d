"""What automation registers in the lower layer; third parties do the same in theirs."""

from automation import archived, day, demo, figures, item_tab, personal_data, stage_uses
from automation.actions import (
    add_comment,
    add_event,
    add_line_item,
    add_to_exceptions,
    branch,
    calculate,
    call_webhook,
    change_company,
    change_contact,
    change_fields,
    change_observers,
    change_owner,
    change_pipeline,
    change_stage,
    complete_tasks,
    control_time_in_stage,
    convert_item,
    copy_item,
    create_item,
    create_task,
    delete_item,
    erase_personal_data,
    generate_code,
    get_client,
    get_employee,
    get_items,
    manage_tags,
    notify,
    notify_supervisor,
    post_to_feed,
    remove_line_items,
    request_approval,
    run_rule_set,
    schedule_call,
    schedule_meeting,
    select_employee,
    send_email,
    send_sms,
    set_variable,
    wait,
    wait_for,
)
from automation.api import documents as documents_api
from automation.api import rules as rules_api
from automation.api import runs as runs_api
from automation.checks import (
    after_leaving,
    at_night,
    contradicting_moves,
    country_list,
    dead_stage,
    drastic,
    endless,
    gone_stage,
    key_twice,
    later_output,
    longer_than_stay,
    loop,
    never_true,
    no_address,
    no_channel,
    nobody_receives,
    own_stage,
    publisher_rights,
    same_minute,
    unawaited,
    unawaited_result,
)
from automation.engine import chain, match, plan, settling, timers, undo, worker
from automation.models import Rule, RuleSet, Trigger
from automation.remote import admin as apps_admin
from automation.remote import api as apps_api
from automation.remote import sending as apps_sending
from automation.remote import types as apps_types
from automation.remote.models import App, AppType
from automation.triggers import (
    call_incoming,
    call_missed,
    call_outgoing,
    callback_requested,
    date_reached,
    email_link_clicked,
    email_opened,
    email_received,
    email_sent,
    field_changed,
    form_submitted,
    linked_item_stage,
    no_activity,
    owner_changed,
    sms_received,
    task_status,
    webhook_received,
)
from automation.urls import routes
from automation.variables import Variable
from crm import slots
from crm.account.audit import audited
from crm.events.record import event_recorded
from crm.work.queue import Kind, register_kind

audited(Rule, without=["version"])
audited(RuleSet)
audited(App, hidden=["secret", "token_hash"])
audited(AppType)
audited(Trigger)
audited(Variable, without=["value"])
event_recorded.connect(plan.on_event, dispatch_uid="automation.plan")
slots.demo_parts.register(demo.add_automation)
slots.api_routers.register(documents_api.router)
slots.api_routers.register(rules_api.router)
slots.api_routers.register(runs_api.router)
slots.api_routers.register(apps_api.router)
slots.event_interest.register(plan.cares_for)
slots.job_ended.register(chain.wake_by_job)
slots.job_replaced.register(chain.job_replaced)
slots.task_ended.register(chain.wake_by_task)
slots.move_undone.register(undo.move_undone)
slots.day_parts.register(day.approvals_part)
slots.day_parts.register(day.part)
slots.items_taken_in.register(timers.taken_in)
slots.routes.extend(route for route in routes if route not in slots.routes)
register_kind(Kind("match", match.match))
register_kind(Kind(timers.KIND, timers.ring_out, automation=True, passing=True))
register_kind(Kind(timers.ARMING, timers.arm_all))

__all__ = [
    "add_comment",
    "add_event",
    "add_line_item",
    "add_to_exceptions",
    "after_leaving",
    "apps_admin",
    "apps_sending",
    "apps_types",
    "archived",
    "at_night",
    "branch",
    "calculate",
    "call_incoming",
    "call_missed",
    "call_outgoing",
    "call_webhook",
    "callback_requested",
    "change_company",
    "change_contact",
    "change_fields",
    "change_observers",
    "change_owner",
    "change_pipeline",
    "change_stage",
    "complete_tasks",
    "contradicting_moves",
    "control_time_in_stage",
    "convert_item",
    "copy_item",
    "country_list",
    "create_item",
    "create_task",
    "date_reached",
    "dead_stage",
    "delete_item",
    "drastic",
    "email_link_clicked",
    "email_opened",
    "email_received",
    "email_sent",
    "endless",
    "erase_personal_data",
    "field_changed",
    "figures",
    "form_submitted",
    "generate_code",
    "get_client",
    "get_employee",
    "get_items",
    "gone_stage",
    "item_tab",
    "key_twice",
    "later_output",
    "linked_item_stage",
    "longer_than_stay",
    "loop",
    "manage_tags",
    "never_true",
    "no_activity",
    "no_address",
    "no_channel",
    "nobody_receives",
    "notify",
    "notify_supervisor",
    "own_stage",
    "owner_changed",
    "personal_data",
    "post_to_feed",
    "publisher_rights",
    "remove_line_items",
    "request_approval",
    "run_rule_set",
    "same_minute",
    "schedule_call",
    "schedule_meeting",
    "select_employee",
    "send_email",
    "send_sms",
    "set_variable",
    "settling",
    "sms_received",
    "stage_uses",
    "task_status",
    "unawaited",
    "unawaited_result",
    "wait",
    "wait_for",
    "webhook_received",
    "worker",
]
