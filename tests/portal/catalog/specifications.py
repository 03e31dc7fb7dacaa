"""Specifications that the tests import."""

ORDERS = """\
openapi: 3.0.3
info:
  title: Orders
  version: 1.2.0
  description: Orders of the shop.
paths:
  /orders:
    get:
      summary: List orders
      responses:
        200:
          description: Orders, newest first.
"""
