"""A client of the baidu_std protocol (Apache brpc) that shares nothing with the Swift one.

Standard library only; the protobuf of the metadata is encoded and decoded by hand. Usage:

    baidu_std_client.py HOST PORT check                      run the checks against a server that offers eclm.Echo
    baidu_std_client.py HOST PORT call SERVICE METHOD        call a method: payload from standard input, answer to
                                                             standard output, status to standard error
"""

import random
import socket
import struct
import sys

ENOSERVICE, ENOMETHOD, EREQUEST, ERPCTIMEDOUT = 1001, 1002, 1003, 1008


def varint(number):
    """A protobuf varint; negative numbers take ten bytes, as int32 and int64 do."""
    number &= (1 << 64) - 1
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def number_field(tag, number):
    return varint(tag << 3) + varint(number)


def bytes_field(tag, value):
    return varint(tag << 3 | 2) + varint(len(value)) + value


def read_varint(data, position):
    number, shift = 0, 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number - (1 << 64) if number >> 63 else number, position


def fields(data):
    """The fields of a message by tag, the last of each: numbers, or bytes."""
    found, position = {}, 0
    while position < len(data):
        key, position = read_varint(data, position)
        if key & 7 == 0:
            found[key >> 3], position = read_varint(data, position)
        elif key & 7 == 2:
            length, position = read_varint(data, position)
            found[key >> 3] = data[position : position + length]
            position += length
        elif key & 7 == 1:
            (found[key >> 3],) = struct.unpack_from("<d", data, position)
            position += 8
        else:
            raise ValueError(f"unexpected wire type in field key {key}")
    return found


def request_frame(
    service, method, payload=b"", attachment=b"", correlation_id=0, timeout_ms=None, compress_type=None,
    attachment_size=None, authentication=None, extra_meta=b"",
):
    named = bytes_field(1, service.encode()) + bytes_field(2, method.encode())
    if timeout_ms is not None:
        named += number_field(8, timeout_ms)
    meta = bytes_field(1, named)
    if compress_type is not None:
        meta += number_field(3, compress_type)
    meta += number_field(4, correlation_id)
    size = len(attachment) if attachment_size is None else attachment_size
    if size:
        meta += number_field(5, size)
    if authentication is not None:
        meta += bytes_field(7, authentication)
    meta += extra_meta
    return b"PRPC" + struct.pack(">II", len(meta) + len(payload) + len(attachment), len(meta)) + meta + payload + attachment


class Response:
    def __init__(self, meta, body):
        top = fields(meta)
        if 2 not in top:
            raise ValueError("a response without response metadata")
        response = fields(top[2])
        self.code = response.get(1, 0)
        self.text = response.get(2, b"").decode()
        self.correlation_id = top.get(4, 0)
        size = top.get(5, 0)
        self.payload = body[: len(body) - size]
        self.attachment = body[len(body) - size :]


class Connection:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self.socket.sendall(data)

    def receive_exactly(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(min(count - len(data), 1 << 20))
            if not piece:
                raise EOFError("the server closed the connection")
            data += piece
        return bytes(data)

    def receive_frame(self):
        header = self.receive_exactly(12)
        if header[:4] != b"PRPC":
            raise ValueError(f"a frame begins with {header[:4]!r}")
        body_size, meta_size = struct.unpack(">II", header[4:])
        body = self.receive_exactly(body_size)
        return header + body, Response(body[:meta_size], body[meta_size:])

    def receive(self):
        return self.receive_frame()[1]

    def call(self, service, method, payload=b"", **options):
        self.send(request_frame(service, method, payload, **options))
        return self.receive()

    def is_closed(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def check_vector(connection, vectors):
    """The frames docs/protocol.md records, byte by byte."""
    request, response = (bytes.fromhex(vector) for vector in vectors)
    encoded = request_frame(
        "eclm.Echo", "Say", b"\x0a\x05hello", b"xyz", correlation_id=7, timeout_ms=1000)
    assert encoded == request, encoded.hex()
    connection.send(request)
    raw, _ = connection.receive_frame()
    assert raw == response, raw.hex()


def check_echo(connection):
    answer = connection.call("eclm.Echo", "Say", b"ping", correlation_id=-9)
    assert (answer.code, answer.payload, answer.attachment, answer.correlation_id) == (0, b"ping", b"", -9)


def check_attachment(connection):
    data = random.Random(1).randbytes(32 << 20)
    answer = connection.call("eclm.Echo", "Say", b"beside", attachment=data)
    assert answer.code == 0 and answer.payload == b"beside" and answer.attachment == data


def check_out_of_order(connection):
    connection.send(request_frame("eclm.Echo", "Sleep", b"300", correlation_id=1))
    connection.send(request_frame("eclm.Echo", "Say", b"quick", correlation_id=2))
    assert [connection.receive().correlation_id, connection.receive().correlation_id] == [2, 1]


def check_fragments(connection):
    for byte in request_frame("eclm.Echo", "Say", b"bytewise", correlation_id=3):
        connection.send(bytes([byte]))
    assert connection.receive().payload == b"bytewise"


def check_unknown_names(connection):
    assert connection.call("eclm.None", "Say").code == ENOSERVICE
    assert connection.call("eclm.Echo", "None").code == ENOMETHOD


def check_unknown_fields(connection):
    # stream_settings (8) and user_fields (9) of newer brpc clients, and a field nobody has defined.
    extra = bytes_field(8, number_field(1, 5)) + bytes_field(9, bytes_field(1, b"k") + bytes_field(2, b"v"))
    assert connection.call("eclm.Echo", "Say", b"x", extra_meta=extra + number_field(99, 1)).payload == b"x"


def check_bad_requests(connection):
    for options in ({"compress_type": 1}, {"compress_type": 2}, {"attachment_size": 99}, {"attachment_size": -1}):
        answer = connection.call("eclm.Echo", "Say", b"x", **options)
        assert answer.code == EREQUEST and answer.text, (options, answer.code)
    assert connection.call("eclm.Echo", "Say", b"x", compress_type=0).code == 0


def check_deadline(connection):
    answer = connection.call("eclm.Echo", "Sleep", b"20000", timeout_ms=50, correlation_id=4)
    assert (answer.code, answer.correlation_id) == (ERPCTIMEDOUT, 4)


def check_errors(connection):
    answer = connection.call("eclm.Echo", "Refuse", b"20005")
    assert (answer.code, answer.text, answer.payload) == (20005, "refused as asked", b"")


def check_garbage(host, port):
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"PRPC" + struct.pack(">II", 1, 2), b"PRPC" + struct.pack(">II", 2**32 - 1, 0)):
        connection = Connection(host, port)
        connection.send(garbage)
        assert connection.is_closed(), garbage


def check(host, port, vectors):
    connection = Connection(host, port)
    if vectors:
        check_vector(connection, vectors)
    checks = [
        check_echo, check_attachment, check_out_of_order, check_fragments, check_unknown_names, check_unknown_fields,
        check_bad_requests, check_deadline, check_errors,
    ]
    # One connection for all of them: none of these may end it.
    for one in checks:
        one(connection)
    check_garbage(host, port)
    print(f"passed {len(checks) + 1 + bool(vectors)}")


def main(arguments):
    host, port, action, *rest = arguments
    if action == "check":
        check(host, int(port), rest)
    elif action == "call":
        answer = Connection(host, int(port)).call(rest[0], rest[1], sys.stdin.buffer.read())
        print(f"status {answer.code} {answer.text}".strip(), file=sys.stderr)
        sys.stdout.buffer.write(answer.payload + answer.attachment)
        return 0 if answer.code == 0 else 1
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
