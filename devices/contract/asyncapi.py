"""The contract as an AsyncAPI 3.0 document, built from the types; `make asyncapi` writes it.

A test fails where the committed document is not what the types say now.
"""

from __future__ import annotations

from typing import Any

import msgspec

from devices.contract import message
from devices.contract.quantity import ID_PATTERN

_HEADERS = {
    "type": "object",
    "description": "MQTT 5 user properties: they name the message even where nobody can read its payload.",
    "properties": {
        "boot": {"type": "string", "pattern": "^[a-z0-9]{4,32}$"},
        "seq": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "required": ["boot", "seq"],
}

#: stream: (struct, who sends, retained, title, what it is for)
_STREAMS: dict[str, tuple[type[msgspec.Struct], str, bool, str, str]] = {
    "readings": (
        message.ReadingsMessage,
        "gateway",
        False,
        "A batch of readings",
        "One row of the gateway's spool. Sent again under the same boot and seq until its receipt comes. At most "
        "256 KiB; content type application/json, or application/json+zlib for a zlib stream of it.",
    ),
    "receipt": (
        message.Receipt,
        "county",
        False,
        "What the county has stored",
        "Inclusive ranges of seq of one boot. Only a receipt lets a spool delete.",
    ),
    "birth": (
        message.Birth,
        "gateway",
        False,
        "A gateway introduces itself",
        "Sent after each connect: its software and the devices it reads.",
    ),
    "state": (
        message.State,
        "gateway",
        True,
        "A gateway's presence",
        "Retained. The last will is state offline with reason lost.",
    ),
}


def build(version: str) -> dict[str, Any]:
    """The document as plain values, for this release of the project."""
    types = [struct for struct, *_ in _STREAMS.values()]
    refs, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schemas = {name: _named_discriminator(schema) for name, schema in schemas.items()}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for (stream, (struct, sender, retained, title, about)), ref in zip(_STREAMS.items(), refs, strict=True):
        name = struct.__name__
        messages[name] = {
            "name": name,
            "title": title,
            "summary": about,
            "contentType": "application/json",
            "payload": ref,
        }
        if stream == "readings":
            messages[name]["headers"] = _HEADERS
            messages[name]["examples"] = [{"name": "one-truck", "payload": _EXAMPLE}]
        channels[stream] = {
            "address": f"county/v1/{{gateway}}/{stream}",
            "title": title,
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "parameters": {"gateway": {"$ref": "#/components/parameters/gateway"}},
        }
        operations[f"{sender}-sends-{stream}"] = {
            "action": "send" if sender == "gateway" else "receive",
            "channel": {"$ref": f"#/channels/{stream}"},
            "summary": about,
            "bindings": {"mqtt": {"qos": 1, "retain": retained, "bindingVersion": "0.2.0"}},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "County monitoring: what gateways and the county say to each other",
            "version": version,
            "description": "Seen from a gateway: it sends readings, birth and state, and receives receipts. "
            "All times are ISO 8601 in UTC. New fields have defaults and meanings never change under a name, so a "
            "reader of version 1 reads every version 1 message. No field may hold a person's name or number.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "county": {
                "host": "broker.county.example:8883",
                "protocol": "secure-mqtt",
                "protocolVersion": "5",
                "description": "Any MQTT 5 broker; a gateway's certificate names it and it writes only under its id.",
                "security": [{"type": "X509"}],
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas,
            "parameters": {
                "gateway": {"description": f"The gateway's id: the name of its account. Matches {ID_PATTERN}"}
            },
        },
    }


def _named_discriminator(schema: Any) -> Any:  # noqa: ANN401 - a JSON value
    """OpenAPI's discriminator is an object, AsyncAPI's the property's name."""
    if isinstance(schema, dict):
        return {
            key: value["propertyName"]
            if key == "discriminator" and isinstance(value, dict)
            else _named_discriminator(value)
            for key, value in schema.items()
        }
    return [_named_discriminator(item) for item in schema] if isinstance(schema, list) else schema


_EXAMPLE = {
    "v": 1,
    "gateway": "gw-07",
    "boot": "k3q7c2m5",
    "seq": 41,
    "sent_at": "2026-03-01T02:03:04.120Z",
    "readings": [
        {
            "kind": "truck_position",
            "device": "truck-012",
            "at": "2026-03-01T02:03:03Z",
            "clock": "gnss",
            "latitude": 30.27,
            "longitude": 119.95,
            "speed_kmh": 43.2,
        }
    ],
}


def document() -> str:
    """The document as YAML, the same bytes for the same types."""
    import yaml

    values = msgspec.to_builtins(build("1.0.0"))
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)
    return f"# Generated from devices/contract by `make asyncapi`: edit the types, not this file.\n{text}"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 - the document is this command's output
