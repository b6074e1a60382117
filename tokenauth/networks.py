"""Which sessions come from a network: exact for every mask, by an index where there can be one.

PostgreSQL stores addresses as ``inet``, which are in order, so a network is a range of its index.
MariaDB and SQLite store text. There both ends are compared as bytes, and the text that all of a
network's addresses begin with narrows it down by the index first.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from sqlite3 import OperationalError
from typing import Any

from django.db.models import F, Lookup, Q

from tokenauth.models import SessionQuerySet

__all__ = ["Network", "as_network", "sessions_in"]

Network = IPv4Network | IPv6Network

_MAPPED = int(IPv6Address("::ffff:0:0"))
_MAPPED_BITS = 96


def as_network(text: str) -> Network | None:
    """Return the network that ``text`` spells, or the address as a network of one, if it does.

    Bits behind the mask count for nothing, and an IPv4-mapped address is the IPv4 address.
    """
    text = text.strip()
    if "%" in text:  # a scope, which is of one host and never stored
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    return _unmapped(network)


def sessions_in(sessions: SessionQuerySet, network: Network) -> SessionQuerySet:
    """Return those of ``sessions`` whose first or last address is in ``network``.

    Args:
        sessions: of whichever database.
        network: of either family; one address is a network with all bits in its mask.
    """
    network = _unmapped(network)
    return sessions.filter(Q(_Within(F("first_ip"), network)) | Q(_Within(F("last_ip"), network)))


def _unmapped(network: Network) -> Network:
    if isinstance(network, IPv4Network) or network.prefixlen < _MAPPED_BITS:
        return network
    mapped = network.network_address.ipv4_mapped
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS)) if mapped else network


class _Within(Lookup):
    """Whether the address on the left is in the network on the right; for ``filter()``.

    An IPv4 address may also be stored as an IPv4-mapped one, by a project that starts sessions
    itself: it is the same host, and a revocation that missed it would be no revocation.
    """

    lookup_name = "within"
    prepare_rhs = False

    def _ranges(self) -> list[Network]:
        network: Network = self.rhs
        if isinstance(network, IPv6Network):
            return [network]
        first = IPv6Address(_MAPPED + int(network.network_address))
        return [network, IPv6Network((first, _MAPPED_BITS + network.prefixlen))]

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        """Return ranges of the index; ``inet`` sorts IPv4 before IPv6."""
        column, params = compiler.compile(self.lhs)
        parts, values = [], []
        for network in self._ranges():
            parts.append(f"{column} BETWEEN %s::inet AND %s::inet")
            values += [*params, str(network[0]), str(network[-1])]
        return f"({' OR '.join(parts)})", values

    def as_mysql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        """Return a comparison of bytes, behind a prefix that the index finds."""
        return self._as_bytes(compiler, "INET6_ATON", "{column} LIKE %s", lambda text: [f"{text}%"])

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        """Do the same, with a function of our own."""
        _add_function(connection)
        narrow = "{column} >= %s AND {column} < %s"  # LIKE takes no index here
        return self._as_bytes(
            compiler, _FUNCTION, narrow, lambda text: [text, text[:-1] + chr(ord(text[-1]) + 1)]
        )

    def _as_bytes(
        self, compiler: Any, function: str, narrow: str, bounds: Any
    ) -> tuple[str, list[Any]]:
        column, params = compiler.compile(self.lhs)
        parts, values = [], []
        for network in self._ranges():
            tests = [
                f"LENGTH({function}({column})) = {network.max_prefixlen // 8}",
                f"{function}({column}) BETWEEN {function}(%s) AND {function}(%s)",
            ]
            found = [*params, *params, str(network[0]), str(network[-1])]
            if prefix := _prefix(network):
                tests.insert(0, narrow.format(column=column))
                found = [*params * narrow.count("{"), *bounds(prefix), *found]
            parts.append(f"({' AND '.join(tests)})")
            values += found
        return f"({' OR '.join(parts)})", values


def _prefix(network: Network) -> str:
    """Return what the text of every address in ``network`` begins with, as it is stored.

    Groups of an IPv6 address are left out where they are zero, so it goes up to the first of them.
    """
    if network.prefixlen >= _MAPPED_BITS and getattr(network[0], "ipv4_mapped", None):
        return "::ffff:"
    separator, bits = (".", 8) if network.version == 4 else (":", 16)  # noqa: PLR2004 - IPv4
    fixed = network[0].exploded.split(separator)[: network.prefixlen // bits]
    if network.version == 4:  # noqa: PLR2004 - as above
        groups = fixed
    else:
        groups = [f"{int(group, 16):x}" for group in fixed]
        groups = groups[: groups.index("0")] if "0" in groups else groups
    whole = len(groups) * bits == network.max_prefixlen
    return separator.join(groups) + separator * (bool(groups) and not whole)


_FUNCTION = "tokenauth_address"


def _add_function(connection: Any) -> None:
    """Teach an SQLite connection what MariaDB calls ``INET6_ATON``, unless it knows it.

    Done while the statement is compiled for this connection: it has not been asked before.
    """
    connection.ensure_connection()
    try:
        connection.connection.execute(f"SELECT {_FUNCTION}(NULL)").close()
    except OperationalError:
        connection.connection.create_function(_FUNCTION, 1, _packed, deterministic=True)


def _packed(text: str | None) -> bytes | None:
    try:
        return None if text is None else ip_address(text).packed
    except ValueError:  # written by hand
        return None
