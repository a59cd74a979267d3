"""Where the node may send to: only hosts that its settings name, and never to itself or its neighbours by a trick.

A webhook's address is typed in by a person, so it is a door out of the node (SSRF): the host must be allowed by name;
what it resolves to must be a public address unless the settings name the network; the connection goes to exactly the
address that was checked; redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from jinyun.kernel.errors import BadInput, NotPermitted, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
ROBOTS = ("qyapi.weixin.qq.com", "oapi.dingtalk.com")
"""Hosts of the robots whose format we know: allowed unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: connect to `ip`, speak to `host`."""

    scheme: str
    host: str
    ip: str
    port: int
    path: str


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as wrong:
        raise Unavailable(f"the name {host} is not known to the network: {wrong}") from wrong
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the settings allow: host names (``hooks.example.org``, ``.example.org`` for all below) and networks
    (``10.1.0.0/16``), and whether plain http is."""

    hosts: tuple[str, ...] = ROBOTS
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    plain: bool = False

    @classmethod
    def of(cls, entries: Sequence[str], *, plain: bool = False) -> Allowed:
        """From the settings' list. Raises `BadInput` for an entry that is neither a host nor a network."""
        hosts, networks = [], []
        for one in entries:
            text = str(one).strip().lower()
            try:
                networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError:
                if not text or any(c in text for c in "/:@ *"):
                    raise BadInput(
                        f"notify.allow: {one!r} is neither a host nor a network",
                        hint='e.g. "hooks.example.org", ".example.org", "10.1.0.0/16"',
                    ) from None
                hosts.append(text)
        return cls(tuple(hosts), tuple(networks), plain)

    def check(self, url: str, resolve: Resolve | None = _resolved) -> Target:
        """The address to connect to; with `resolve` None only names and numbers are looked at.

        Raises
        ------
        BadInput
            Not an http(s) address, or one with a user name.
        NotPermitted
            The host is not in the settings, or resolves to an inner address that is not.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput("a webhook's address begins with https:// and names a host")
        if parts.username or parts.password:
            raise BadInput("a webhook's address holds no user name or password")
        if parts.scheme == "http" and not self.plain:
            raise NotPermitted("plain http is not allowed; use https, or set notify.plain_http = true")
        host = parts.hostname.lower().rstrip(".")
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as wrong:
            raise BadInput(f"the port of {host} is no number") from wrong
        literal = _literal(host)
        if literal is None and not self.named(host):
            raise NotPermitted(f"{host} is not among the hosts that notices may go to (notify.allow in jinyun.toml)")
        if resolve is None and literal is None:
            return Target(parts.scheme, host, "", port, "")
        ips = [str(literal)] if literal is not None else list(resolve(host, port) if resolve else ())
        good = [one for one in ips if self.may(one, literal is not None)]
        if not good or len(good) != len(ips):  # one bad answer of several is enough: who mixes them means harm
            bad = next((one for one in ips if one not in good), host)
            raise NotPermitted(f"{host} is at {bad}, which notices may not go to (notify.allow in jinyun.toml)")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, good[0], port, path)

    def named(self, host: str) -> bool:
        """Whether the settings name the host."""
        return any(host == one or (one.startswith(".") and host.endswith(one)) for one in self.hosts)

    def may(self, ip: str, literal: bool) -> bool:
        """Whether a connection to an address may be made; one typed in as numbers must be in a network we name."""
        address = _mapped(ipaddress.ip_address(ip.partition("%")[0]))
        if any(address.version == one.version and address in one for one in self.networks):
            return True
        return not literal and address.is_global and not address.is_multicast


def _literal(host: str) -> Address | None:
    """An address written as numbers, also in the forms that C libraries take (127.1, 0x7f000001, 2130706433)."""
    try:
        return _mapped(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except OSError:
        return None


def _mapped(address: Address) -> Address:
    """IPv4 wrapped in IPv6 (::ffff:a.b.c.d, 64:ff9b::/96, 6to4) is judged as what it reaches."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
