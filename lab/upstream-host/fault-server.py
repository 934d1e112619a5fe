"""Runs in front of nginx and applies faults to some paths: fault-server.py RULES.json

Listens on port 80 and forwards every request to nginx on 127.0.0.1:8080. A response whose path matches a rule
gets the fault of the rule. Rules: [{"path": <regular expression>, "kind": "slow" | "stall" | "reset" | "refuse",
"bytesPerSecond": <for slow>, "afterBytes": <bytes of the body that are sent before the stall or the reset>}]
"""

import json
import re
import socket
import struct
import sys
import threading
import time

with open(sys.argv[1]) as rules_file:
    RULES = json.load(rules_file)


def read_head(connection, buffered):
    while b"\r\n\r\n" not in buffered:
        data = connection.recv(65536)
        if not data:
            return None, b""
        buffered += data
    head, rest = buffered.split(b"\r\n\r\n", 1)
    return head, rest


def reset(client):
    # With a linger time of 0, close() sends RST and not FIN.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def serve(client):
    try:
        buffered = b""
        while True:
            head, buffered = read_head(client, buffered)
            if head is None:
                return
            path = head.split(b" ", 2)[1].decode("latin1")
            rule = next((rule for rule in RULES if re.search(rule["path"], path)), None)
            if rule and rule["kind"] == "refuse":
                reset(client)
                return
            lines = [l for l in head.split(b"\r\n") if not l.lower().startswith(b"connection:")]
            if not relay(client, b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n", rule):
                return
    except OSError:
        pass
    finally:
        client.close()


def relay(client, request, rule):
    """Sends one request to nginx and its response to the client. Returns whether the client's connection stays open."""
    upstream = socket.create_connection(("127.0.0.1", 8080))
    upstream.sendall(request)
    head, body = read_head(upstream, b"")
    if head is None:
        return False
    client.sendall(head + b"\r\n\r\n")
    sent = 0
    while True:
        if not body:
            body = upstream.recv(65536)
            if not body:
                return False
        if rule is None:
            client.sendall(body)
            body = b""
        elif rule["kind"] == "slow":
            # Small pieces keep the rate also within a second.
            piece = body[: max(1, rule["bytesPerSecond"] // 20)]
            client.sendall(piece)
            body = body[len(piece):]
            time.sleep(len(piece) / rule["bytesPerSecond"])
        else:
            piece = body[: max(0, rule["afterBytes"] - sent)]
            client.sendall(piece)
            sent += len(piece)
            body = body[len(piece):]
            if sent >= rule["afterBytes"]:
                if rule["kind"] == "stall":
                    client.settimeout(None)
                    while client.recv(65536):  # sends nothing more until the client disconnects
                        pass
                    return False
                time.sleep(0.05)  # the reset would discard data that has not arrived
                reset(client)
                return False


def main():
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", 80))
    server.listen(256)
    while True:
        client, _ = server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(client,), daemon=True).start()


main()
