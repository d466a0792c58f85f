"""The official validator accepts what the sandbox signs, and the vectors of the provider notes (T17)."""

import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

import sandbox


class Hook(ThreadingHTTPServer):
    """A web server that keeps what it is sent."""

    def __init__(self, answer="<Response/>"):
        self.seen, self.answer = [], answer
        super().__init__(("127.0.0.1", 0), Keeper)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Keeper(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        self.server.seen.append((f"http://{self.headers['host']}{self.path}", self.headers, body))
        answer = self.server.answer.encode()
        self.send_response(200)
        self.send_header("content-type", "text/xml")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Fields(dict):
    """A form as web frameworks hand it over: every value of a name can be asked for."""

    def __init__(self, pairs):
        self.pairs = [tuple(pair) for pair in pairs]
        super().__init__(self.pairs)

    def getlist(self, name):
        return [value for key, value in self.pairs if key == name]


class Signatures(unittest.TestCase):
    def test_vectors(self):
        for vector in json.loads((sandbox.FOLDER / "vectors.json").read_text()):
            with self.subTest(vector=vector["name"]):
                given = vector["body"] if "body" in vector else Fields(vector["params"])
                valid = RequestValidator(vector["token"]).validate(vector["url"], given, vector["signature"])
                self.assertEqual(valid, "refused" not in vector)

    def check(self, hook, token):
        self.assertTrue(hook.seen)
        for url, headers, body in hook.seen:
            json_sent = "json" in headers.get("content-type", "")
            given = body if json_sent else Fields(parse_qsl(body, keep_blank_values=True))
            validator = RequestValidator(token)
            self.assertTrue(validator.validate(url, given, headers["x-twilio-signature"]), url)
            self.assertFalse(validator.validate(f"{url}x", given, headers["x-twilio-signature"]), url)

    def place(self, **settings):
        """The default state with a web server behind its number."""
        names, hook = sandbox.start(7), Hook()
        self.addCleanup(hook.server_close)
        self.addCleanup(hook.shutdown)
        client = sandbox.twilio(names["account"], names["token"])
        urls = {name: hook.url(path) for name, path in settings.items()}
        client.incoming_phone_numbers(names["usSid"]).update(**urls)
        return names, hook

    def test_a_call_and_its_end_are_signed(self):
        names, hook = self.place(voice_url="/voice?line=7", status_callback="/ended")
        sandbox.control("POST", "/calls", {"from": "+14155550100", "to": names["us"]})
        sandbox.control("POST", "/clock", {"advance_s": 60})
        self.check(hook, names["token"])

    def test_a_text_is_signed(self):
        names, hook = self.place(sms_url="/sms?line=7&name=%C3%A9")
        sandbox.control("POST", "/messages", {"from": "+14155550100", "to": names["us"], "body": "Is it free? 👍 & more"})
        self.check(hook, names["token"])


if __name__ == "__main__":
    unittest.main()
