"""The sandbox that the suites run against, and the official clients pointed at it."""

import json
import os
import re
import urllib.error
import urllib.request
from pathlib import Path

import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from vapi import Vapi

BASE = os.environ["SANDBOX_URL"]
FOLDER = Path(__file__).resolve().parent.parent


def control(method, path, body=None):
    """A control call: its answer as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{BASE}/sandbox{path}", data=data, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise AssertionError(f"{method} {path}: {refused.read().decode()}") from refused


def start(seed):
    """The default state of this seed, and the names that flows use for what is in it."""
    state = control("POST", "/reset", {"seed": seed})
    account, org = state["accounts"][0], state["orgs"][0]
    return {
        "account": account["sid"],
        "token": account["auth_token"],
        "us": state["numbers"][0]["phone_number"],
        "usSid": state["numbers"][0]["sid"],
        "fr": state["numbers"][1]["phone_number"],
        "frSid": state["numbers"][1]["sid"],
        "key": org["private_key"],
        "org": org["id"],
    }


def upload(names, step):
    """A file for the host that the library does not know."""
    name, kind, content = step["file"]
    url, account = f"{BASE}{step['upload']}", (names["account"], names["token"])
    answer = requests.post(url, auth=account, data=step["with"], files={"File": (name, content, kind)}, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.json()


class ToSandbox(TwilioHttpClient):
    """The official HTTP client; the only change is where requests go."""

    def request(self, method, url, *args, **kwargs):
        url = re.sub(r"^https://([a-z-]+)\.twilio\.com", rf"{BASE}/twilio/\1", url)
        return super().request(method, url, *args, **kwargs)


def twilio(user, secret, **settings):
    return Client(user, secret, http_client=ToSandbox(**settings))


def vapi(key):
    return Vapi(token=key, base_url=f"{BASE}/vapi")
