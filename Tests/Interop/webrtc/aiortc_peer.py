#!/usr/bin/env python3
"""aiortc (https://aiortc.readthedocs.io) as a peer that speaks the line protocol of PROTOCOL.md.

It gathers all candidates before it answers `offer` and `answer`, since aiortc does not trickle; it takes the other's.
"""

import asyncio
import base64
import collections
import importlib.metadata
import json
import math
import os
import random
import resource
import statistics
import sys
import time
import zlib

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

# How many bytes a channel's buffer takes before a pump waits, and at how few it goes on.
HIGH_MARK, LOW_MARK = 1 << 20, 1 << 18
# How much an exchange has under way.
WINDOW_MESSAGES, WINDOW_BYTES = 64, 1 << 20
LARGEST = 65536

# Of which `size` bytes make text or data; the text has characters of 1 to 4 bytes.
PATTERN = bytes(range(256)) * 1030
TEXT = "Zwölf Boxkämpfer jagen Виктора 关于 den 🥊 Sylter Deich. "


def say(message):
    """Writes one line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def make_text(size, number):
    """A text of `size` bytes in UTF-8."""
    beginning = f"{number} "[:size]
    whole = beginning + TEXT * ((size - len(beginning)) // len(TEXT.encode()))
    return whole + "." * (size - len(whole.encode()))


def make_data(size, number):
    """`size` bytes that begin with the number if they have room for it."""
    head = number.to_bytes(4, "big") if size >= 4 else b""
    return head + PATTERN[: size - len(head)]


def message_size(number, largest):
    """How long the message of an exchange is."""
    if number < 5:
        return (1, largest, largest, 0, 0)[number]
    return round(math.exp(random.Random(number).uniform(0, math.log(largest))))


class Channel:
    """A data channel, and what is done with its messages."""

    def __init__(self, channel, is_incoming):
        self.channel, self.is_incoming = channel, is_incoming
        self.messages, self.bytes, self.crc = 0, 0, 0
        self.first = self.last = None
        # Set while messages that come in are those of an exchange.
        self.on_echo = None
        self.is_closed = False
        # Set whenever anything changes that somebody may wait for.
        self.changed = asyncio.Event()
        channel.bufferedAmountLowThreshold = LOW_MARK
        channel.on("open", self.opened)
        channel.on("message", self.received)
        channel.on("close", self.closed)
        channel.on("bufferedamountlow", self.changed.set)
        if channel.readyState == "open":
            self.opened()

    def opened(self):
        channel = self.channel
        say({
            "event": "open", "label": channel.label, "protocol": channel.protocol, "ordered": channel.ordered,
            "maxRetransmits": channel.maxRetransmits, "maxPacketLifeTime": channel.maxPacketLifeTime,
            "number": channel.id, "incoming": self.is_incoming,
        })
        self.changed.set()

    def closed(self):
        self.is_closed = True
        self.changed.set()
        say({"event": "closed", "label": self.channel.label})

    def received(self, message):
        protocol = self.channel.protocol
        if self.on_echo is not None:
            self.on_echo(message)
        elif protocol == "echo":
            self.channel.send(message)
        elif protocol in ("sink", "discard"):
            data = message.encode() if isinstance(message, str) else message
            self.last = time.monotonic()
            self.first = self.first or self.last
            self.messages += 1
            self.bytes += len(data)
            if protocol == "sink":
                self.crc = zlib.crc32(data, self.crc)
        else:
            kind = {"text": message} if isinstance(message, str) else {"base64": base64.b64encode(message).decode()}
            say({"event": "message", "label": self.channel.label, **kind})
        self.changed.set()

    async def until(self, condition):
        """Waits until the condition holds; raises if the channel closes before."""
        while not condition():
            if self.is_closed:
                raise ConnectionError(f"the channel {self.channel.label!r} is closed")
            self.changed.clear()
            await self.changed.wait()

    async def exchange(self, count, largest):
        under_way, total, start = collections.deque(), 0, time.monotonic()
        returned, problem = 0, None

        def on_echo(message):
            nonlocal returned, problem
            sent = under_way.popleft() if under_way else None
            if message != sent and problem is None:
                problem = f"message {returned} came back differently, or unasked"
            returned += 1

        def has_room():
            return problem or not under_way or (
                len(under_way) < WINDOW_MESSAGES and sum(map(len, under_way)) + size <= WINDOW_BYTES)

        self.on_echo = on_echo
        try:
            for number in range(count):
                size = message_size(number, largest)
                await self.until(has_room)
                message = make_text(size, number) if number % 2 else make_data(size, number)
                under_way.append(message)
                self.channel.send(message)
                total += size
                if problem:
                    break
            await self.until(lambda: problem or not under_way)
        finally:
            self.on_echo = None
        if problem:
            raise ValueError(problem)
        return {"messages": returned, "bytes": total, "seconds": time.monotonic() - start}

    async def pump(self, size, total, seconds):
        await self.until(lambda: self.channel.readyState == "open")
        start, crc, sent, number = time.monotonic(), 0, 0, 0
        while sent < total and time.monotonic() < start + seconds:
            data = make_data(min(size, total - sent), number)
            if self.channel.protocol == "sink":
                crc = zlib.crc32(data, crc)
            await self.until(lambda: self.channel.bufferedAmount < HIGH_MARK)
            self.channel.send(data)
            sent += len(data)
            number += 1
        self.channel.bufferedAmountLowThreshold = 0
        await self.until(lambda: self.channel.bufferedAmount == 0)
        self.channel.bufferedAmountLowThreshold = LOW_MARK
        result = {"messages": number, "bytes": sent, "seconds": time.monotonic() - start}
        return {**result, "crc32": crc} if self.channel.protocol == "sink" else result

    async def wait_received(self, total):
        await self.until(lambda: self.bytes >= total)
        seconds = self.last - self.first if self.first else 0
        result = {"messages": self.messages, "bytes": self.bytes, "seconds": seconds}
        return {**result, "crc32": self.crc} if self.channel.protocol == "sink" else result

    async def ping(self, count, size):
        times, data, returned = [], make_data(size, 0), 0

        def on_echo(_):
            nonlocal returned
            returned += 1

        self.on_echo = on_echo
        try:
            for number in range(count):
                start = time.perf_counter()
                self.channel.send(data)
                await self.until(lambda: returned > number)
                times.append((time.perf_counter() - start) * 1e6)
        finally:
            self.on_echo = None
        return {"median": statistics.median(times), "best": min(times), "p99": sorted(times)[int(count * 0.99)]}


class Peer:
    """What requests are carried out by: a method for each."""

    def __init__(self):
        self.connection = None
        self.channels = {}

    async def about(self, _):
        return {"name": f"aiortc {importlib.metadata.version('aiortc')}", "largest": LARGEST, "can": []}

    async def create(self, request):
        if self.connection is not None:
            raise RuntimeError("there is a connection")
        if "address" in request:
            # aioice has no setting for it, and leaves out the loopback interface.
            aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [request["address"]]
        self.connection = connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("connectionstatechange", lambda: say({"event": "state", "state": connection.connectionState}))
        connection.on("datachannel", lambda channel: self.add(channel, True))

    def add(self, channel, is_incoming):
        self.channels[channel.label] = Channel(channel, is_incoming)

    async def offer(self, _):
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return {"sdp": self.connection.localDescription.sdp}

    async def answer(self, request):
        await self.connection.setRemoteDescription(RTCSessionDescription(request["sdp"], "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return {"sdp": self.connection.localDescription.sdp}

    async def accept(self, request):
        await self.connection.setRemoteDescription(RTCSessionDescription(request["sdp"], "answer"))

    async def candidate(self, request):
        candidate = None
        if request["candidate"]:
            if ".local " in request["candidate"]:
                # A browser's name for an address; its checks tell the address.
                return
            candidate = candidate_from_sdp(request["candidate"].removeprefix("candidate:"))
            candidate.sdpMid, candidate.sdpMLineIndex = request.get("mid"), request.get("index")
        await self.connection.addIceCandidate(candidate)

    async def close(self, _):
        connection, self.connection = self.connection, None
        for channel in self.channels.values():
            channel.channel.remove_all_listeners()
            channel.is_closed = True
            channel.changed.set()
        self.channels = {}
        await connection.close()

    async def statistics(self, _):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        return {"cpuSeconds": usage.ru_utime + usage.ru_stime, "residentBytes": pages * os.sysconf("SC_PAGESIZE")}

    async def open(self, request):
        options = {key: request[key] for key in ("ordered", "maxRetransmits", "maxPacketLifeTime") if key in request}
        if request.get("negotiated"):
            options.update(negotiated=True, id=request["number"])
        label = request["label"]
        self.add(self.connection.createDataChannel(label, protocol=request.get("protocol", ""), **options), False)

    async def send(self, request):
        text, label = request.get("text"), request["label"]
        self.channels[label].channel.send(base64.b64decode(request["base64"]) if text is None else text)

    async def exchange(self, request):
        return await self.channels[request["label"]].exchange(request["count"], request["largest"])

    async def pump(self, request):
        total, seconds = request.get("bytes", sys.maxsize), request.get("seconds", math.inf)
        return await self.channels[request["label"]].pump(request["size"], total, seconds)

    async def received(self, request):
        return await self.channels[request["label"]].wait_received(request["bytes"])

    async def ping(self, request):
        return await self.channels[request["label"]].ping(request["count"], request["size"])

    async def closeChannel(self, request):  # noqa: N802, the protocol's name
        self.channels[request["label"]].channel.close()

    VERBS = (
        "about", "create", "offer", "answer", "accept", "candidate", "close", "statistics", "open", "send", "exchange",
        "pump", "received", "ping", "closeChannel",
    )

    async def carry_out(self, request):
        """Carries out one request, and answers it."""
        try:
            if request["do"] not in self.VERBS:
                raise ValueError(f"there is no request {request['do']!r}")
            result = await getattr(self, request["do"])(request)
            say({"id": request["id"], "result": result or {}})
        except Exception as error:  # noqa: BLE001, whatever went wrong is told
            say({"id": request["id"], "error": f"{type(error).__name__}: {error}"})


async def main():
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    peer, tasks = Peer(), set()
    while line := await reader.readline():
        task = asyncio.create_task(peer.carry_out(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if peer.connection is not None:
        await peer.close({})


if __name__ == "__main__":
    asyncio.run(main())
