"""A real mail server (aiosmtpd) for the tests: prints its port, then each mail that it takes, one JSON line each."""

import argparse
import asyncio
import base64
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

parser = argparse.ArgumentParser()
parser.add_argument("--auth", help="user:password; who does not give it is refused")
parser.add_argument("--refuse", help="a recipient that is refused for ever")
parser.add_argument("--defer", help="a recipient that is refused for now")
parser.add_argument("--cert", help="offers STARTTLS with this certificate")
parser.add_argument("--key")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--slow", action="store_true", help="never answers a mail")
options = parser.parse_args()


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, _options):
        if address == options.refuse:
            return "550 5.1.1 no such user"
        if address == options.defer:
            return "451 4.3.0 later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if options.slow:
            await asyncio.sleep(3600)
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "raw": base64.b64encode(envelope.original_content).decode(),
            "tls": session.ssl is not None,
            "user": bool(session.authenticated),
        }
        print(json.dumps(mail), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    user, password = options.auth.encode().split(b":")
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (user, password)
    return AuthResult(success=good, handled=False)


def protocol():
    context = None
    if options.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.cert, options.key)
    auth = {}
    if options.auth:
        auth = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}
    return SMTP(Handler(), tls_context=context, hostname="mail.example", **auth)


async def main():
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", options.port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
