"""The description of the intake for programs (OpenAPI 3.1), made of the same table that reads the messages."""

from typing import Any

from dsar.intake import signing
from dsar.intake.reading import FIELDS, Field
from dsar.intake.taking import PER_MINUTE

ERRORS = {
    "401": ("signature", "Unknown source, wrong secret, changed body, or a clock that is more than five minutes off."),
    "405": ("method", "Send messages with POST."),
    "409": ("replay, key", "The nonce has been used, or the key was another message’s."),
    "413": ("too_big", "Smaller, please."),
    "415": ("form", "JSON, not compressed."),
    "422": ("fields", "Nothing was taken; `faults` name each field and what is wrong with it."),
    "429": ("too_many", f"At most {PER_MINUTE} messages a minute; wait as long as Retry-After says."),
    "500": ("failed", "Wait as long as Retry-After says, then send it again with the same key."),
}


def describe() -> dict[str, Any]:
    """Return the description as a JSON object."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Callmama privacy portal: intake",
            "version": "1",
            "description": "Hands in what a person wrote on the website. Makes a ticket, and a request when one of the rights is "
            "asked for. Sign HMAC-SHA-256, in hexadecimal, keyed with the secret, over timestamp.nonce.body.",
        },
        "paths": {
            "/intake/{source}": {
                "post": {
                    "operationId": "handIn",
                    "parameters": [
                        _parameter("source", "path", "The name of the source.", "^[a-z][a-z0-9-]*$"),
                        _parameter(signing.TIMESTAMP, "header", "Seconds since 1970.", "^[0-9]{10}$"),
                        _parameter(signing.NONCE, "header", "Never used twice.", "^[A-Za-z0-9_-]{16,64}$"),
                        _parameter(signing.SIGNATURE, "header", "The signature.", "^[0-9a-f]{64}$"),
                    ],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Message"}}}},
                    "responses": {
                        "201": _answer("It was taken.", "Taken"),
                        "200": _answer("It had been taken before, under this key; nothing new was made.", "Taken"),
                        **{status: _answer(f"`{code}`: {words}", "Error") for status, (code, words) in ERRORS.items()},
                    },
                }
            }
        },
        "components": {
            "schemas": {
                "Message": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": [name for name, field in FIELDS.items() if field.is_needed],
                    "anyOf": [{"required": [name]} for name in ("email", "phone", "customer")],
                    "properties": {name: _property(field) for name, field in FIELDS.items()},
                    "examples": [EXAMPLE],
                },
                "Taken": {
                    "type": "object",
                    "required": ["ticket", "request", "new"],
                    "properties": {
                        "ticket": {"type": "string", "description": "The reference to tell the person."},
                        "request": {"type": ["string", "null"], "description": "The reference of the request, if it is one."},
                        "new": {"type": "boolean"},
                    },
                },
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {
                                "code": {"type": "string"},
                                "message": {"type": "string"},
                                "faults": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["field", "message"],
                                        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                                    },
                                },
                            },
                        }
                    },
                },
            }
        },
    }  # fmt: skip


EXAMPLE = {
    "key": "form-2026-11-24-0001",
    "type": "access",
    "message": "Please send me a copy of everything you hold about me.",
    "name": "Anneke Brandt",
    "email": "anneke@example.test",
    "country": "DE",
    "received_at": "2026-11-24T09:30:00+01:00",
}


def _parameter(name: str, place: str, about: str, pattern: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "description": about, "schema": {"type": "string", "pattern": pattern}}  # fmt: skip


def _answer(words: str, schema: str) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}  # fmt: skip


def _property(field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "string", "description": field.about, "maxLength": field.longest}
    if field.choices:
        found = {"type": "string", "description": field.about, "enum": list(field.choices)}
    if field.pattern:
        found["pattern"] = field.pattern
    if field.is_needed and not field.choices and not field.pattern:
        found["minLength"] = 1
    return found
