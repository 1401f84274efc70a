"""
Joining, the joiner's side; workers and taskers alike.

First the server's chain is fetched without believing anything, and the authority picked from it by the fingerprint in the join code. Then
a second connection trusts that authority alone, and only over this one go the secret and the request for a certificate. The private key is
made here and never leaves.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from marx.addresses import Address
from marx.certificates import certificate_as_pem, fingerprint, key_as_pem, new_key, signing_request
from marx.credentials import Credentials
from marx.doorway import Connector
from marx.join_code import FAULT, NOT_PERMITTED, NOT_REACHABLE, JoinCode, JoinError, read_code
from marx.tls import chain_of, client_context_factory, untrusting_context_factory
from marx.trouble import NotReachable, PeerRefused, explain
from marx.wire.calls import GuardedLink, NotPermitted, Unavailable, WireError, WrongVersion
from marx.wire.enrol import CodeRefused, Enrol
from marx.wire.hello import NEWEST_VERSION, OLDEST_VERSION

__all__ = ["JoinCode", "JoinError", "enrol", "read_code"]

#: Seconds for the server's answer: it commits before it answers.
ANSWER_SECONDS = 30.0


async def enrol(reactor: Any, code: JoinCode, hint: str) -> Credentials:
    """
    Join the server of ``code``. ``hint``: how this machine is called, from which a worker's name is made.

    Raises :class:`JoinError`. The caller saves what it gets; a single-use code is used up by then.
    """
    address, authority = await _find_authority(reactor, code)
    key = new_key()
    link = await _connect(reactor, address, authority)
    try:
        answer = await _ask(link, code, signing_request(key), hint)
    except Exception as error:
        raise _as_join_error(error, address) from error
    finally:
        link.transport.loseConnection()
    try:
        credentials = Credentials.of(
            key_as_pem(key).decode(),
            answer["certificate"].decode(),
            certificate_as_pem(authority).decode(),
            # The address that answered from here comes first from now on.
            [address, *(other for other in code.addresses if other != address)],
        )
        if credentials.role != code.role:
            raise ValueError(f"it is a {credentials.role}'s")
    except ValueError as error:
        raise JoinError(f"the server at {address} answered with a certificate that makes no sense: {error}", FAULT) from error
    return credentials


def _ask(link: GuardedLink, code: JoinCode, request: bytes, hint: str) -> Deferred[dict[str, Any]]:
    wanted = {"role": code.role, "secret": code.secret, "request": request, "hint": hint}
    return link.ask(Enrol, ANSWER_SECONDS, oldest=OLDEST_VERSION, newest=NEWEST_VERSION, **wanted)


async def _find_authority(reactor: Any, code: JoinCode) -> tuple[Address, x509.Certificate]:
    """The first address behind which the authority of the code stands, and its certificate. Raises :class:`JoinError`."""
    troubles, exit_code = [], NOT_REACHABLE
    for address in code.addresses:
        try:
            chain = await _fetch_chain(reactor, address)
        except (NotReachable, PeerRefused) as error:
            troubles.append(str(error))
            continue
        for certificate in chain:
            if fingerprint(certificate) == code.fingerprint:
                return address, certificate
        troubles.append(f"{address} is not the server that made this code, or has a new authority since")
        exit_code = NOT_PERMITTED
    raise JoinError("; ".join(troubles), exit_code)


async def _fetch_chain(reactor: Any, address: Address) -> list[x509.Certificate]:
    looking = await Connector(reactor, [address], untrusting_context_factory()).connect(Factory.forProtocol(Protocol))
    try:
        return chain_of(looking.transport)
    finally:
        looking.transport.loseConnection()


async def _connect(reactor: Any, address: Address, authority: x509.Certificate) -> GuardedLink:
    factory = Factory.forProtocol(lambda: GuardedLink(reactor))
    try:
        return await Connector(reactor, [address], client_context_factory(authority)).connect(factory)
    except (NotReachable, PeerRefused) as error:
        raise JoinError(str(error), NOT_REACHABLE if isinstance(error, NotReachable) else NOT_PERMITTED) from error


def _as_join_error(error: Exception, address: Address) -> JoinError:
    if isinstance(error, (CodeRefused, NotPermitted)):
        return JoinError(str(error), NOT_PERMITTED)
    if isinstance(error, (Unavailable, WrongVersion)):
        return JoinError(f"the server at {address} did not let this machine join: {error}", NOT_REACHABLE)
    if isinstance(error, WireError):
        return JoinError(f"the server at {address} did not let this machine join: {error}", FAULT)
    return JoinError(f"joining at {address} failed: {explain(error)}", NOT_REACHABLE)
