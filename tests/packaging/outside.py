"""The world that a host in a network of its own is joined to: a name server and a mail host, on the addresses given.

Each line of standard input is a JSON object: with `zone` the name server answers from that text; the answer, one line, is what the mail host took so far.
"""

import json
import sys
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.threads import blockingCallFromThread

from tests.world.counting_sink import CountingSink
from tests.world.dns_zone import DnsZone

reactor: Any = the_reactor  # its type is a module's


def main(names: str, mail_host: str) -> None:
    """Runs until standard input ends."""
    zone = DnsZone(interface=names, port=53)
    sink = CountingSink(host=mail_host, port=25, keeps_content=True)

    def obey() -> None:
        for line in sys.stdin:
            order = json.loads(line)
            if "zone" in order:
                blockingCallFromThread(reactor, zone.load, order["zone"])
            print(json.dumps([{"recipient": each.recipient, "content": each.content.decode()} for each in sink.taken]), flush=True)
        reactor.callFromThread(reactor.stop)

    reactor.callInThread(obey)
    reactor.run()
    sink.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
