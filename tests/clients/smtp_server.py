"""A mail server by aiosmtpd that takes, refuses, puts off or drops by the name before the @, and prints what it read as lines of JSON.

Arguments: a certificate and its key for STARTTLS, and then a user and a password, which then must be given.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self):
        self.seen = set()

    def first(self, name):
        is_new = name not in self.seen
        self.seen.add(name)
        return is_new

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "bad":
            return "550 5.1.1 no such user"
        if name == "grey" and self.first(name):
            return "451 4.7.1 greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        raw = envelope.original_content
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        part = lambda kind: mail.get_body((kind,)).get_content()
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "encrypted": session.ssl is not None,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "text": part("plain"),
            "html": part("html"),
            "longest": max(len(line) for line in raw.split(b"\r\n")),
            "ascii": raw.isascii(),
        }), flush=True)
        if envelope.rcpt_tos[0].startswith("drop") and self.first("drop"):
            server.transport.abort()
        return "250 taken"


async def main(arguments):
    options = {}
    if len(arguments) >= 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments[:2])
        options.update(tls_context=context, require_starttls=True)
    if len(arguments) == 4:
        user, password = (argument.encode() for argument in arguments[2:])
        check = lambda server, session, envelope, mechanism, data: AuthResult(
            success=(data.login, data.password) == (user, password), handled=False)
        options.update(auth_required=True, authenticator=check)
    handler = Handler()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler, **options), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(sys.argv[1:]))
