"""An OpenAPI document for tests, with everything a reference shows, and one that attacks its reader."""

from typing import Any

ATTACK = '<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>'

ORDERS: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Orders", "version": "1.0.0", "description": "Orders of the *shop*."},
    "servers": [{"url": "http://behind-the-gateway.internal:9001"}],
    "paths": {
        "/orders/{id}": {
            "servers": [{"url": "http://path.internal"}],
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "example": 7}],
            "get": {
                "operationId": "getOrder",
                "summary": "Read one order",
                "servers": [{"url": "http://operation.internal"}],
                "parameters": [
                    {"name": "expand", "in": "query", "required": True, "schema": {"type": "string", "example": "a b"}}
                ],
                "responses": {
                    "200": {
                        "description": "The order.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                    }
                },
            },
        },
        "/orders": {
            "post": {
                "summary": "Place an order",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                "responses": {"201": {"description": "Placed."}},
            }
        },
    },
    "components": {
        "schemas": {
            "Order": {
                "type": "object",
                "properties": {
                    "id": {"type": "integer", "example": 7},
                    "customer": {"type": "string", "example": "it's Ada"},
                    "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
                    "parent": {"$ref": "#/components/schemas/Order"},
                },
            },
            "Line": {"type": "object", "properties": {"sku": {"type": "string", "enum": ["A-1", "B-2"]}}},
        }
    },
}

HOSTILE: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": ATTACK, "version": ATTACK, "description": f"{ATTACK} [x](javascript:window.attacked=1)"},
    "paths": {
        f"/a'$(id){ATTACK}": {
            "get": {
                "operationId": ATTACK,
                "summary": ATTACK,
                "description": f"{ATTACK} [x](javascript:window.attacked=1)",
                "tags": [ATTACK],
                "parameters": [
                    {"name": ATTACK, "in": "query", "required": True, "description": ATTACK, "example": ATTACK}
                ],
                "responses": {ATTACK: {"description": ATTACK, "content": {ATTACK: {"example": ATTACK}}}},
            }
        }
    },
}
