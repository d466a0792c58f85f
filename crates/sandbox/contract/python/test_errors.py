"""Errors, pages and repeated tries, as the libraries themselves see them."""

import unittest

from twilio.base.exceptions import TwilioRestException
from vapi.core.api_error import ApiError

import sandbox


class Errors(unittest.TestCase):
    def setUp(self):
        self.names = sandbox.start(0)

    def test_wrong_credentials_are_a_twilio_exception(self):
        client = sandbox.twilio(self.names["account"], "0" * 32)
        with self.assertRaises(TwilioRestException) as raised:
            client.api.v2010.accounts(self.names["account"]).fetch()
        self.assertEqual((raised.exception.status, raised.exception.code), (401, 20003))
        self.assertIn("Authenticate", raised.exception.msg)

    def test_a_refusal_has_code_text_and_status(self):
        client = sandbox.twilio(self.names["account"], self.names["token"])
        with self.assertRaises(TwilioRestException) as raised:
            client.incoming_phone_numbers.create(phone_number="+15005550000")
        error = raised.exception
        self.assertEqual((error.status, error.code), (400, 21422))
        self.assertIn("+15005550000", error.msg)

    def test_a_faults_body_is_read_as_twilios(self):
        sandbox.control("POST", "/faults", {"path": "/IncomingPhoneNumbers", "times": 1, "fault": {"status": 429}})
        client = sandbox.twilio(self.names["account"], self.names["token"])
        with self.assertRaises(TwilioRestException) as raised:
            client.incoming_phone_numbers(self.names["usSid"]).fetch()
        self.assertEqual((raised.exception.status, raised.exception.code), (429, 20429))

    def test_lists_are_walked_over_all_pages(self):
        client = sandbox.twilio(self.names["account"], self.names["token"])
        made = [client.applications.create(friendly_name=f"app {place}").sid for place in range(7)]
        found = [app.sid for app in client.applications.stream(page_size=3)]
        self.assertEqual(sorted(found), sorted(made))
        trunks = [client.trunking.v1.trunks.create(friendly_name=f"trunk {place}").sid for place in range(5)]
        found = [trunk.sid for trunk in client.trunking.v1.trunks.stream(page_size=2)]
        self.assertEqual(sorted(found), sorted(trunks))

    def test_vapi_errors_have_status_and_body(self):
        with self.assertRaises(ApiError) as raised:
            sandbox.vapi("00000000-0000-4000-8000-000000000000").assistants.list()
        self.assertEqual(raised.exception.status_code, 401)
        self.assertIn("Invalid Key", raised.exception.body["message"])
        with self.assertRaises(ApiError) as raised:
            sandbox.vapi(self.names["key"]).assistants.create(name="n" * 41)
        self.assertEqual(raised.exception.status_code, 400)
        self.assertIn("name must be shorter than or equal to 40 characters", raised.exception.body["message"])

    def test_vapi_tries_again(self):
        for status in (429, 503):
            sandbox.control("POST", "/faults", {"path": "/vapi/assistant", "times": 2, "fault": {"status": status}})
            self.assertEqual(sandbox.vapi(self.names["key"]).assistants.list(), [])


if __name__ == "__main__":
    unittest.main()
