"""Plays the rows of ../flows with the official libraries."""

import inspect
import json
import re
import typing

from twilio.base.exceptions import TwilioException, TwilioRestException
from vapi.core.api_error import ApiError
from vapi.core.pydantic_utilities import parse_obj_as

import sandbox


def snake(name):
    """The libraries' Python names: `friendlyName` is `friendly_name`, `from` is `from_`."""
    made = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    made = re.sub(r"_v([0-9])$", r"_v_\1", made) if "controller" in made else made
    made = made.replace("a2_p_", "a2p_")
    return "from_" if made == "from" else made


def filled(value, names):
    """`$name` stands for what was kept under that name."""
    if isinstance(value, str):
        whole = re.fullmatch(r"\$(\w+)", value)
        return names[whole[1]] if whole else re.sub(r"\$(\w+)", lambda found: str(names[found[1]]), value)
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    return value


def dig(value, path):
    """`0.sid` of a list, `capabilities.sms` of an object; the libraries' objects are read by attribute."""
    for part in path.split("."):
        if part == "length":
            value = len(value)
        elif isinstance(value, (list, tuple)):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value[part] if part in value else value[snake(part)]
        else:
            value = getattr(value, snake(part))
    return getattr(value, "value", value)


class Body(dict):
    """A body without a class in the library, which asks it for its content all the same."""

    def to_dict(self):
        return dict(self)


class Flow:
    def __init__(self, flow, case):
        self.provider, self.case = flow["provider"], case
        self.names = sandbox.start(flow.get("seed", 0))
        self.client = None

    def play(self, step):
        step = filled(step, self.names)
        if "control" in step:
            method, path = step["control"].split(" ")
            self.look(step, sandbox.control(method, path, step.get("with")))
            return
        if "upload" in step:
            self.look(step, sandbox.upload(self.names, step))
            return
        if self.client is None:
            names = self.names
            twilio = self.provider == "twilio"
            self.client = sandbox.twilio(names["account"], names["token"]) if twilio else sandbox.vapi(names["key"])
        call = self.twilio if self.provider == "twilio" else self.vapi
        if "fails" not in step:
            self.look(step, call(step))
            return
        with self.case.assertRaises((TwilioException, ApiError)) as raised:
            call(step)
        error = raised.exception
        # A page that cannot be fetched is an exception with the answer in it.
        listed = isinstance(error, TwilioException) and not isinstance(error, TwilioRestException)
        self.expect(json.loads(error.args[1].text) if listed else error, step["fails"])

    def look(self, step, result):
        self.expect(result, step.get("expect", {}))
        for name, path in step.get("keep", {}).items():
            self.names[name] = dig(result, path)

    def expect(self, found, wanted):
        for path, value in wanted.items():
            if isinstance(found, ApiError) and path == "status":
                path = "statusCode"
            self.case.assertEqual(dig(found, path), value, path)

    def place(self, at):
        place = self.client
        for name, called, arguments in re.findall(r"(\w+)(\(([^)]*)\))?", at):
            place = getattr(place, snake(name))
            if called:
                place = place(*(part.strip() for part in arguments.split(",") if part.strip()))
        return place

    def twilio(self, step):
        do = {"remove": "delete"}.get(step["do"], step["do"])
        place = self.place(step["at"])
        call = getattr(place, do)
        if "body" in step:
            # A body of the library's own class, named like the parameter, where it has one.
            parameter = next(iter(inspect.signature(call).parameters))
            kind = getattr(type(place), "".join(part.title() for part in parameter.split("_")), Body)
            return call(kind(step["body"]))
        arguments = {snake(name): value for name, value in step.get("with", {}).items()}
        return call(**arguments)

    def vapi(self, step):
        call = getattr(self.place(step["at"]), snake(step["do"]))
        arguments, positional = step.get("with", {}), [step["id"]] if "id" in step else []
        hints = typing.get_type_hints(call, include_extras=True)
        if "request" in inspect.signature(call).parameters:
            return call(*positional, request=parse_obj_as(hints["request"], arguments))
        typed = {snake(name): self.typed(hints, snake(name), value) for name, value in arguments.items()}
        return call(*positional, **typed)

    @staticmethod
    def typed(hints, name, value):
        if isinstance(value, dict) and "$file" in value:
            name, kind, content = value["$file"]
            return (name, content.encode(), kind)
        return parse_obj_as(hints[name], value)
