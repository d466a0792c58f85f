"""Every row of ../flows with twilio and vapi_server_sdk for Python."""

import contextlib
import json
import unittest

import sandbox
import steps


class Flows(unittest.TestCase):
    @staticmethod
    @contextlib.contextmanager
    def named(step):
        try:
            yield
        except Exception as error:
            raise AssertionError(f"{step}: {error!r}") from error


def play(flow):
    def test(self):
        played = steps.Flow(flow, self)
        for step in flow["steps"]:
            # Later rows stand on earlier ones: the first that fails ends the flow, and is named.
            with self.named(step.get("does") or step.get("control")):
                if "python" not in step.get("without", []):
                    played.play(step)

    return test


for file in sorted((sandbox.FOLDER / "flows").glob("*.json")):
    setattr(Flows, f"test_{file.stem.replace('-', '_')}", play(json.loads(file.read_text())))
