"""Real receivers for tests of notices: an SMTP server and an HTTP server on asyncio, each in a thread of its own."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any


class _Server:
    """An asyncio server on a free port of 127.0.0.1. `with` starts and ends it."""

    def __init__(self, context: ssl.SSLContext | None = None, *, port: int = 0) -> None:
        self.context, self.port = context, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Any:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(20)
        return self

    def __exit__(self, *_: Any) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._guarded, "127.0.0.1", self.port, ssl=self.outer)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def outer(self) -> ssl.SSLContext | None:
        return self.context

    async def _shut(self) -> None:
        assert self._server is not None
        self._server.close()
        mine = asyncio.current_task()
        for task in asyncio.all_tasks():
            if task is not mine:
                task.cancel()
        await asyncio.sleep(0)

    async def _guarded(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class MailSink(_Server):
    """SMTP (RFC 5321) with STARTTLS when it has a certificate. `mails`: all that were taken, in order.

    `answer(receiver)` may refuse a receiver: "550 …", "451 …"; `before_ok(mail)` runs when the data have come and the
    250 has not gone yet, in a thread: the moment at which a sender that is killed cannot know.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        implicit: bool = False,
        answer: Callable[[str], str] = lambda _: "250 ok",
        before_ok: Callable[[EmailMessage], None] = lambda _: None,
        port: int = 0,
    ) -> None:
        super().__init__(context, port=port)
        self.implicit, self.answer, self.before_ok = implicit, answer, before_ok
        self.mails: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        self.logins: list[str] = []

    @property
    def outer(self) -> ssl.SSLContext | None:
        return self.context if self.implicit else None

    def ids(self) -> list[str]:
        return [str(one["Message-ID"]) for one in self.mails]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = self.implicit

        async def say(text: str) -> None:
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        await say("220 sink ESMTP")
        while line := await reader.readline():
            words = line.decode().strip()
            verb = words.upper()
            if verb.startswith("EHLO"):
                if self.context and not secure:
                    await say("250-sink\r\n250-STARTTLS\r\n250 8BITMIME")
                else:
                    await say("250-sink\r\n250-AUTH PLAIN\r\n250 8BITMIME")
            elif verb == "STARTTLS" and self.context and not secure:
                await say("220 go on")
                await writer.start_tls(self.context)
                secure = True
            elif verb.startswith("AUTH PLAIN"):
                self.logins.append(words.split()[-1])
                await say("235 welcome")
            elif verb.startswith("RCPT"):
                await say(self.answer(words.partition("<")[2].rstrip(">")))
            elif verb == "DATA":
                await say("354 end with a dot")
                body = await reader.readuntil(b"\r\n.\r\n")
                mail = email.message_from_bytes(body[:-3].replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
                assert isinstance(mail, EmailMessage)
                self.mails.append(mail)
                self.encrypted.append(secure)
                await asyncio.to_thread(self.before_ok, mail)
                await say("250 taken")
            elif verb == "QUIT":
                await say("221 bye")
                return
            else:
                await say("250 ok")


class HookSink(_Server):
    """HTTP: keeps (path, headers, body) of each POST; `answer()` says (status, body)."""

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        answer: Callable[[], tuple[int, bytes]] = lambda: (200, b'{"errcode":0,"errmsg":"ok"}'),
        headers: str = "",
    ) -> None:
        super().__init__(context)
        self.answer, self.more = answer, headers
        self.posts: list[tuple[str, dict[str, str], bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.posts.append((first.split()[1], headers, body))
        status, said = await asyncio.to_thread(self.answer)
        writer.write(b"HTTP/1.1 %d x\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                     % (status, self.more.encode(), len(said), said))  # fmt: skip
        await writer.drain()


def certificate(folder: Any, name: str = "localhost") -> tuple[ssl.SSLContext, str]:
    """A server's context with a fresh certificate for `name` and 127.0.0.1, and the file that trusts it."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    crt, pem = folder / f"{name}.crt", folder / f"{name}.key"
    crt.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, pem)
    return context, str(crt)
