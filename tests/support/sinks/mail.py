"""A mail server for tests: tells its port, then each mail that it takes, a line of JSON each."""

import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def say(what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        secured = server.transport.get_extra_info("ssl_object") is not None
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": secured,
            "signed_in": session.authenticated,
            "text": envelope.content.decode(),
        })
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    given = (data.login.decode(), data.password.decode())
    wanted = (os.environ["MAIL_USER"], os.environ["MAIL_PASSWORD"])
    return AuthResult(success=given == wanted, handled=False)


async def main(manner, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    starttls = manner == "starttls"

    def serve():
        return SMTP(
            Handler(),
            hostname="mail.farwatch.example",
            tls_context=context if starttls else None,
            require_starttls=starttls,
            auth_required=True,
            # The server itself does not see TLS that was there before it.
            auth_require_tls=starttls,
            authenticator=authenticate,
        )

    loop = asyncio.get_running_loop()
    early = None if starttls else context
    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=early)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
