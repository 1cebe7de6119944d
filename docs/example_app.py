"""A whole app for Dealwright in one file, without any library: a parcel service.

It brings the rule *Order a parcel* (answers at once, or later where the parcel is heavy) and the trigger *Parcel delivered*.

    python example_app.py install https://crm.example.com TOKEN https://app.example.com   # TOKEN: an administrator's, scope "apps"
    python example_app.py serve 8080                                                      # with what `install` printed in the environment

Then place the rule on a stage like any other, and tell a delivery: POST /delivered {"item": "12", "day": "Monday"}.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = {
    "key": "parcels",
    "name": {"en": "Parcels", "pl": "Paczki", "fr": "Colis", "vi": "Bưu kiện"},
    "about": {"en": "Orders parcels and tells when they have come."},
    # All that a call brings of the card; the CRM sends nothing else.
    "sends": ["item.title", "contact.name", "contact.phone"],
    "actions": [
        {
            "key": "order",
            "name": {"en": "Order a parcel", "pl": "Zamów paczkę", "fr": "Commander un colis", "vi": "Đặt bưu kiện"},
            "help": {"en": "Orders a parcel for the customer and gives its number."},
            "synonyms": {"en": "shipping, courier"},
            "example": {"en": "As soon as the order is paid, its parcel is on the way."},
            "address": "/order",
            "fields": [
                {"key": "to", "name": {"en": "address"}, "type": "long_text", "required": True},
                {"key": "weight", "name": {"en": "weight, kg"}, "type": "number"},
                {"key": "insured", "name": {"en": "insured"}, "type": "boolean"},
            ],
            "outputs": [
                {"key": "number", "name": {"en": "parcel number"}},
                {"key": "price", "name": {"en": "price"}, "type": "number"},
            ],
            "minutes": 60,
        }
    ],
    "triggers": [
        {
            "key": "delivered",
            "name": {"en": "Parcel delivered", "pl": "Paczka doręczona", "fr": "Colis livré", "vi": "Đã giao bưu kiện"},
            "help": {"en": "The parcel has come."},
            "fields": [{"key": "day", "name": {"en": "day of the week"}}],
        }
    ],
}


def request(url, body, token):
    """POST JSON to the CRM; returns what it answers. Raises urllib.error.HTTPError."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=10) as answer:
        return json.loads(answer.read())


def install(crm, token, own):
    """Register with the CRM; prints what `serve` needs."""
    actions = [{**action, "address": own + action["address"]} for action in MANIFEST["actions"]]
    made = request(f"{crm}/api/v1/apps", {**MANIFEST, "actions": actions}, token)
    print(json.dumps({"CRM": crm, "APP_TOKEN": made["token"], "APP_SECRET": made["secret"]}))


def is_signed(headers, body):
    """Standard Webhooks: base64(HMAC-SHA256(secret, "id.timestamp.body")), not older than five minutes."""
    secret = base64.b64decode(os.environ["APP_SECRET"].removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    is_fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return is_fresh and any(hmac.compare_digest(wanted, one) for one in headers["webhook-signature"].split())


def order(call):
    """The answer to one call. Repeats of a call have its id, so the number is made of it: one parcel, however often it is asked."""
    settings = call["settings"]
    if "nowhere" in settings["to"]:
        return {"status": "failed", "reason": "There is no such address."}
    weight = float(settings["weight"] or 1)
    number = "P-" + hashlib.sha256(call["id"].encode()).hexdigest()[:8]
    price = f"{4 + weight + (2 if settings['insured'] else 0):.2f}"
    words = f"{number} for {call['item']['contact.name'] or 'the customer'}"
    return {"status": "done", "outputs": {"number": number, "price": price}, "summary": words}


def answer_later(call):
    request(call["answer_url"], order(call), os.environ["APP_TOKEN"])


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/order":
            if not is_signed(self.headers, body):
                return self.answer(401, {"error": "not signed"})
            call = json.loads(body)
            if float(call["settings"]["weight"] or 1) > 30:  # somebody has to look: 202 says "later"
                threading.Timer(0.5, answer_later, [call]).start()
                return self.answer(202, {})
            return self.answer(200, order(call))
        if self.path == "/delivered":
            told = json.loads(body)
            fired = {"item": told["item"], "values": {"day": told["day"]}, "key": str(uuid.uuid4())}
            request(f"{os.environ['CRM']}/api/v1/app/triggers/delivered", fired, os.environ["APP_TOKEN"])
            return self.answer(200, {})
        return self.answer(404, {})

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


if __name__ == "__main__":
    if sys.argv[1:2] == ["install"]:
        install(*sys.argv[2:5])
    else:
        server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
